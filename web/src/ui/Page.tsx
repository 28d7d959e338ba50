import { type ReactNode, useEffect } from 'react';
import { Link } from 'wouter';
import css from './Page.module.css';

interface Props {
  title: string;
  /** One sentence on what this is for. */
  lead?: ReactNode;
  /** Buttons at the title's side. */
  actions?: ReactNode;
  /** Where it hangs: a link above the title. */
  above?: { href: string; title: string };
  /** In the place of the title, where that is more than text. */
  heading?: ReactNode;
  children: ReactNode;
}

/** A page: its title in the window too, and its main heading. */
export function Page({ title, lead, actions, above, heading, children }: Props) {
  useEffect(() => {
    document.title = `${title} · cStar`;
  }, [title]);
  return (
    <>
      {above && (
        <p className={css.above}>
          <Link href={above.href}>← {above.title}</Link>
        </p>
      )}
      <header className={css.header}>
        <div className={css.titles}>
          {heading ?? <h1>{title}</h1>}
          {lead && <p className={css.lead}>{lead}</p>}
        </div>
        {actions && <div className={css.actions}>{actions}</div>}
      </header>
      {children}
    </>
  );
}

/** A part of a page, in a frame. */
export function Section({
  title,
  lead,
  actions,
  children,
}: {
  title: string;
  lead?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className={css.section} aria-label={title}>
      <header className={css.header}>
        <div className={css.titles}>
          <h2>{title}</h2>
          {lead && <p className={css.lead}>{lead}</p>}
        </div>
        {actions && <div className={css.actions}>{actions}</div>}
      </header>
      {children}
    </section>
  );
}
