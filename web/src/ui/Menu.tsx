import { Ellipsis } from 'lucide-react';
import { Menu as AriaMenu, MenuItem, MenuTrigger, Popover } from 'react-aria-components';
import { Button } from './Button.tsx';
import css from './Menu.module.css';

export interface Item {
  id: string;
  title: string;
  isBad?: boolean;
  onAction: () => void;
}

/** What is done seldom. */
export function Menu({ label, items }: { label: string; items: Item[] }) {
  return (
    <MenuTrigger>
      <Button aria-label={label}>
        <Ellipsis aria-hidden="true" />
      </Button>
      <Popover className={css.popover!} placement="bottom end">
        <AriaMenu className={css.menu!} items={items}>
          {({ id, title, isBad, onAction }: Item) => (
            <MenuItem id={id} onAction={onAction} className={`${css.item} ${isBad ? css.bad : ''}`}>
              {title}
            </MenuItem>
          )}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}
