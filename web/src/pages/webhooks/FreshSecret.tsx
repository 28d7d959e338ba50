import { Fold } from '../../ui/Fold.tsx';
import { ShownOnce } from '../../ui/ShownOnce.tsx';
import { Verify } from './Verify.tsx';

/** The secret of a webhook that was made or rotated just now. */
export function FreshSecret({ secret, onDone }: { secret: string; onDone: () => void }) {
  const howTo = (
    <Fold title="How a receiver checks signatures">
      <Verify />
    </Fold>
  );
  return (
    <ShownOnce title="Copy the signing secret now" text={secret} label="Copy secret" onDone={onDone} more={howTo}>
      It is shown this once. Your receiver proves with it that a request came from here: give it to the receiver as{' '}
      <code>WEBHOOK_SECRET</code>.
    </ShownOnce>
  );
}
