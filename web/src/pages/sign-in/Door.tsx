import type { ReactNode } from 'react';
import icon from '../../app/icon.svg';
import css from './Door.module.css';

/** What stands around signing in. */
export function Door({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className={css.door}>
      <div className={css.card}>
        <img src={icon} alt="cStar" width={36} height={36} />
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}
