import { Check, Copy as CopyIcon } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button } from './Button.tsx';
import css from './Copy.module.css';

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
  const copy = () => void navigator.clipboard.writeText(text).then(() => setCopied((count) => count + 1));
  return (
    <>
      <Button look="quiet" small aria-label={label} onPress={copy}>
        {copied > 0 ? <Check aria-hidden="true" /> : <CopyIcon aria-hidden="true" />}
        {showLabel && (copied > 0 ? 'Copied' : showLabel === 'all' ? label : 'Copy')}
      </Button>
      <span className={css.told} role="status">
        {copied > 0 ? 'Copied' : ''}
      </span>
    </>
  );
}
