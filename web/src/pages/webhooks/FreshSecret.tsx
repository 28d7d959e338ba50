import { useEffect, useRef } from 'react';
import { Button } from '../../ui/Button.tsx';
import { Copy } from '../../ui/Copy.tsx';
import { Fold } from '../../ui/Fold.tsx';
import css from './Secret.module.css';
import { Verify } from './Verify.tsx';

/** A secret, this once. Whoever made it is led to it. */
export function FreshSecret({ secret, onDone }: { secret: string; onDone: () => void }) {
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    place.current?.focus({ preventScroll: true });
    place.current?.scrollIntoView({ block: 'center' });
  }, [secret]);
  return (
    <section className={css.fresh} aria-label="New signing secret" ref={place} tabIndex={-1}>
      <h2>Copy the signing secret now</h2>
      <p>
        It is shown this once. Your receiver proves with it that a request came from here: give it to the receiver as{' '}
        <code>WEBHOOK_SECRET</code>.
      </p>
      <div className={css.secret}>
        <code>{secret}</code>
        <Copy text={secret} label="Copy secret" showLabel />
      </div>
      <Fold title="How a receiver checks signatures">
        <Verify />
      </Fold>
      <div className={css.buttons}>
        <Button onPress={onDone}>I have kept it</Button>
      </div>
    </section>
  );
}
