import type { ReactNode } from 'react';
import { Button } from './Button.tsx';
import { Copy } from './Copy.tsx';
import css from './ShownOnce.module.css';

interface Props {
  title: string;
  /** The secret. */
  text: string;
  /** What is copied: "Copy key". */
  label: string;
  onDone: () => void;
  children: ReactNode;
}

/** A secret, this once. */
export function ShownOnce({ title, text, label, onDone, children }: Props) {
  return (
    <section className={css.fresh} aria-label={title}>
      <h2>{title}</h2>
      <p>{children}</p>
      <div className={css.secret}>
        <code>{text}</code>
        <Copy text={text} label={label} showLabel />
      </div>
      <div>
        <Button onPress={onDone}>I have kept it</Button>
      </div>
    </section>
  );
}
