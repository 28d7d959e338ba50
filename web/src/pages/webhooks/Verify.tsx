import { Code } from '../../ui/Code.tsx';
import { Tabs } from '../../ui/Tabs.tsx';
import css from './Secret.module.css';
import { SNIPPETS } from './snippets.ts';

/** How to check signatures, by language. */
export function Verify() {
  const tabs = SNIPPETS.map(({ id, title, language, install, code }) => ({
    id,
    title,
    content: (
      <>
        <Code label={`how to install it for ${title}`} language="bash" text={install} />
        <Code label={`${title} receiver`} language={language} text={code} />
      </>
    ),
  }));
  return (
    <div className={css.verify}>
      <Tabs label="Languages" tabs={tabs} />
      <p className={css.soft}>
        These check <code>webhook-signature</code>, which also refuses what is older than five minutes. A receiver that checks{' '}
        <code>x-cstar-signature</code>, the HMAC-SHA256 of the body under the whole secret, keeps working.
      </p>
    </div>
  );
}
