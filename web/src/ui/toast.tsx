import { X } from 'lucide-react';
import {
  Button,
  Text,
  UNSTABLE_Toast as Toast,
  UNSTABLE_ToastContent as Content,
  UNSTABLE_ToastQueue as Queue,
  UNSTABLE_ToastRegion as Region,
} from 'react-aria-components';
import css from './toast.module.css';

const SHOWN_MS = 6000;

const queue = new Queue<string>({ maxVisibleToasts: 3 });

/** Says that something was done, where that is not to be seen otherwise. */
export function tell(text: string): void {
  queue.add(text, { timeout: SHOWN_MS });
}

/** Where it is said. */
export function Toasts() {
  return (
    <Region queue={queue} className={css.region!}>
      {({ toast }) => (
        <Toast toast={toast} className={css.toast!}>
          <Content>
            <Text slot="title">{toast.content}</Text>
          </Content>
          <Button slot="close" aria-label="Close" className={css.close!}>
            <X aria-hidden="true" />
          </Button>
        </Toast>
      )}
    </Region>
  );
}
