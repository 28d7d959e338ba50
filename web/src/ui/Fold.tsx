import { ChevronRight } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button, Disclosure, DisclosurePanel } from 'react-aria-components';
import css from './Fold.module.css';

/** Something that most readers need not see. */
export function Fold({ title, startsOpen = false, children }: { title: ReactNode; startsOpen?: boolean; children: ReactNode }) {
  return (
    <Disclosure className={css.fold!} defaultExpanded={startsOpen}>
      <Button slot="trigger" className={css.trigger!}>
        <ChevronRight aria-hidden="true" />
        {title}
      </Button>
      <DisclosurePanel>
        <div className={css.panel}>{children}</div>
      </DisclosurePanel>
    </Disclosure>
  );
}
