import { Check, Copy as CopyIcon } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button } from './Button.tsx';
import css from './Copy.module.css';
import { tell } from './toast.tsx';

const SHOWN_MS = 1600;

interface Props {
  text: string;
  /** What is copied: "Copy secret". */
  label: string;
  /** Whether words stand beside the icon: "Copy", or all of the label. */
  showLabel?: boolean | 'all';
}

/** Copies a text, and says so where it was pressed. */
export function Copy({ text, label, showLabel = false }: Props) {
  const [copied, setCopied] = useState(0);
  useEffect(() => {
    if (copied === 0) return;
    const timer = setTimeout(() => setCopied(0), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  // Browsers have no clipboard for pages that came over plain HTTP, and may refuse it to others.
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied((count) => count + 1);
    } catch {
      tell('The browser does not let this page copy: select the text and copy it by hand.');
    }
  };
  return (
    <>
      <Button look="quiet" small aria-label={label} onPress={() => void copy()}>
        {copied > 0 ? <Check aria-hidden="true" /> : <CopyIcon aria-hidden="true" />}
        {showLabel && (copied > 0 ? 'Copied' : showLabel === 'all' ? label : 'Copy')}
      </Button>
      <span className={css.told} role="status">
        {copied > 0 ? 'Copied' : ''}
      </span>
    </>
  );
}
