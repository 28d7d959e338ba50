import { lazy, Suspense } from 'react';
import { Copy } from './Copy.tsx';
import css from './Code.module.css';

export type Language = 'bash' | 'javascript' | 'json' | 'python' | 'rust' | 'go' | 'text';

/** Grammars are large: the text is there at once, its colours a moment later. */
const Coloured = lazy(() => import('./Coloured.tsx'));

interface Props {
  text: string;
  language: Language;
  /** What it is, for those who cannot see it: also what the copy button copies. */
  label: string;
  /** For long ones: it scrolls within itself. */
  bounded?: boolean;
}

/** A text that is to be read exactly, and copied. Whatever it holds, it is shown as text. */
export function Code({ text, language, label, bounded = false }: Props) {
  return (
    <div className={css.code}>
      <div className={css.copy}>
        <Copy text={text} label={`Copy ${label}`} />
      </div>
      <pre className={bounded ? css.bounded : undefined} tabIndex={0} aria-label={label} role="group">
        <code>
          <Suspense fallback={text}>{language === 'text' ? text : <Coloured text={text} language={language} />}</Suspense>
        </code>
      </pre>
    </div>
  );
}
