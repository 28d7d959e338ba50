import type { ReactNode } from 'react';
import { Dialog, Modal, ModalOverlay } from 'react-aria-components';
import css from './Over.module.css';

/** Covers the page, and whatever is open on it, until it is done. */
export function Over({ label, children }: { label: string; children: ReactNode }) {
  return (
    <ModalOverlay className={css.over!} isOpen isKeyboardDismissDisabled>
      <Modal>
        <Dialog className={css.dialog!} aria-label={label}>
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
