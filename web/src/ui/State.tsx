import { CircleAlert, Lock } from 'lucide-react';
import type { ReactNode } from 'react';
import { refusal } from '../api/refusal.ts';
import { Button } from './Button.tsx';
import css from './State.module.css';

interface Told {
  title: string;
  children?: ReactNode;
  icon?: ReactNode;
  action?: ReactNode;
}

/** Nothing is there, and that is no fault: what this is for, and how to begin. */
export function Empty({ title, children, icon, action }: Told) {
  return (
    <div className={css.state}>
      {icon && <div className={css.icon}>{icon}</div>}
      <h2>{title}</h2>
      {children && <p className={css.text}>{children}</p>}
      {action}
    </div>
  );
}

/** Something was refused or broke: in the server's words, with what the operator needs to look it up. */
export function Failure({
  error,
  onRetry,
  title = 'This could not be loaded',
}: {
  error: unknown;
  onRetry?: () => void;
  title?: string;
}) {
  const { status, detail, code, requestId } = refusal(error);
  if (status === 403) return <NoPermission>{detail}</NoPermission>;
  return (
    <div className={css.state} role="alert">
      <div className={`${css.icon} ${css.bad}`}>
        <CircleAlert aria-hidden="true" />
      </div>
      <h2>{title}</h2>
      <p className={css.text}>{detail}</p>
      {onRetry && <Button onPress={onRetry}>Try again</Button>}
      {code && (
        <p className={css.small}>
          <a href={`/errors/${code}`}>{code}</a>
          {requestId && <> · request {requestId}</>}
        </p>
      )}
    </div>
  );
}

/** The session lacks a scope. */
export function NoPermission({ children }: { children?: ReactNode }) {
  return (
    <Empty title="Your sign-in does not open this" icon={<Lock aria-hidden="true" />}>
      {children} Ask whoever gave you the key or the link for one that does.
    </Empty>
  );
}

/** What a form or a button was refused, in place. */
export function Refusal({ error }: { error: unknown }) {
  if (!error) return null;
  const { detail, code } = refusal(error);
  return (
    <p className={css.refusal} role="alert">
      {detail}
      {code && (
        <>
          {' '}
          <a href={`/errors/${code}`}>What to do</a>
        </>
      )}
    </p>
  );
}

/** Reading it anew failed: what stands below is what was there before. */
export function Outdated({ error }: { error: unknown }) {
  return error ? (
    <p className={css.outdated} role="status">
      This may be old, since reading it anew failed: {refusal(error).detail}
    </p>
  ) : null;
}

/** Where rows will be: as many as come, or nearly. */
export function Loading({ rows = 4, label = 'Loading' }: { rows?: number; label?: string }) {
  return (
    <div className={css.loading} role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className={css.bone} />
      ))}
    </div>
  );
}
