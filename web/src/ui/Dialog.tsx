import type { ReactNode } from 'react';
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import css from './Dialog.module.css';

interface Props {
  title: string;
  isOpen: boolean;
  onOpenChange: (isOpen: boolean) => void;
  children: ReactNode;
  /** The buttons at its end: the one that does it last. */
  actions: ReactNode;
  /** For what must be answered: it does not close by a press beside it. */
  mustAnswer?: boolean;
  /** For what is to be read. */
  wide?: boolean;
  /** While its answer is on the way: it cannot be left, since what comes may be shown but once. */
  isBusy?: boolean;
}

export function Dialog({ title, isOpen, onOpenChange, children, actions, mustAnswer, wide, isBusy }: Props) {
  return (
    <ModalOverlay
      className={css.veil!}
      isOpen={isOpen}
      onOpenChange={onOpenChange}
      isDismissable={!mustAnswer && !isBusy}
      isKeyboardDismissDisabled={isBusy ?? false}
    >
      <Modal className={`${css.modal} ${wide ? css.wide : ''}`}>
        <AriaDialog className={css.dialog!} role={mustAnswer ? 'alertdialog' : 'dialog'}>
          <Heading slot="title" className={css.title!}>
            {title}
          </Heading>
          <div className={css.body}>{children}</div>
          <div className={css.actions}>{actions}</div>
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
