import { type ReactNode, useEffect, useRef } from 'react';
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
  /** What to do with it. */
  more?: ReactNode;
}

/** A secret, this once. Whoever made it is led to it. */
export function ShownOnce({ title, text, label, onDone, children, more }: Props) {
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    place.current?.focus({ preventScroll: true });
    place.current?.scrollIntoView({ block: 'center' });
  }, [text]);
  return (
    <section className={css.fresh} aria-label={title} ref={place} tabIndex={-1}>
      <h2>{title}</h2>
      <p>{children}</p>
      <div className={css.secret}>
        <code>{text}</code>
        <Copy text={text} label={label} showLabel />
      </div>
      {more}
      <div>
        <Button onPress={onDone}>I have kept it</Button>
      </div>
    </section>
  );
}
