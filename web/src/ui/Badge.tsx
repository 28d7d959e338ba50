import type { ReactNode } from 'react';
import css from './Badge.module.css';

export type Tone = 'good' | 'warn' | 'bad' | 'neutral' | 'accent';

/** A state in one word. The word says it; the colour only helps. */
export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className={`${css.badge} ${css[tone]}`}>
      <span className={css.dot} aria-hidden="true" />
      {children}
    </span>
  );
}

/** A pattern, a type, an id: something that is written exactly so. */
export function Chip({ children, title }: { children: ReactNode; title?: string }) {
  return (
    <code className={css.chip} title={title}>
      {children}
    </code>
  );
}
