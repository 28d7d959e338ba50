import type { RealtimeError } from '@cstar/client';
import { refusal } from '../../api/refusal.ts';
import { Button } from '../../ui/Button.tsx';
import css from './Connection.module.css';

interface Props {
  isLive: boolean;
  error: RealtimeError | null;
  goOn: () => void;
}

/** Whether what is shown is what there is. */
export function Connection({ isLive, error, goOn }: Props) {
  const hasEnded = error !== null && !error.willRetry;
  const title = isLive ? 'Live' : hasEnded ? 'Not live' : error ? 'Not live, connecting again' : 'Connecting';
  return (
    <div className={css.connection}>
      <p role="status" className={`${css.state} ${isLive ? css.live : error ? css.lost : ''}`}>
        <span className={css.dot} aria-hidden="true" />
        {title}
      </p>
      {!isLive && error && (
        <p className={css.why}>
          {refusal(error).detail}
        </p>
      )}
      {hasEnded && (
        <Button small onPress={goOn}>
          Connect again
        </Button>
      )}
    </div>
  );
}
