import { Code } from './Code.tsx';
import { pretty } from './json.ts';
import { Tabs } from './Tabs.tsx';

/** A body that a stranger may have written: laid out if it is JSON, and as it came. */
export function Body({ label, text }: { label: string; text: string }) {
  const laidOut = pretty(text);
  const raw = <Code label={`${label}, raw`} language="text" text={text} bounded />;
  if (laidOut === undefined) return raw;
  return (
    <Tabs
      label={`Views of the ${label}`}
      tabs={[
        { id: 'pretty', title: 'Pretty', content: <Code label={label} language="json" text={laidOut} bounded /> },
        { id: 'raw', title: 'Raw', content: raw },
      ]}
    />
  );
}
