import { Code } from './Code.tsx';
import { Fold } from './Fold.tsx';
import { quoted } from './shell.ts';
import { Tabs } from './Tabs.tsx';

export { quoted };

export interface Call {
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** From `/v1` on. */
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
}

/** The call of the API and the command that do what a button or a form does. */
export function HowTo({ call, command, title = 'By API or command line' }: { call: Call; command?: string; title?: string }) {
  const api = <Code label="API call" language="bash" text={curl(call)} />;
  return (
    <Fold title={title}>
      {command ? (
        <Tabs
          label="Ways to do this"
          tabs={[
            { id: 'api', title: 'API', content: api },
            { id: 'cli', title: 'Command line', content: <Code label="command" language="bash" text={command} /> },
          ]}
        />
      ) : (
        api
      )}
    </Fold>
  );
}

/** A call as it can be pasted into a shell, the key aside: that one nobody can read, this page neither. */
export function curl({ method, path, headers = {}, body }: Call): string {
  const lines = [
    `curl ${method === 'GET' ? '' : `-X ${method} `}${quoted(location.origin + path)}`,
    `-H "Authorization: Bearer $CSTAR_KEY"`,
  ];
  for (const [name, value] of Object.entries(headers)) lines.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (body !== undefined) lines.push(`-H 'Content-Type: application/json'`, `-d ${quoted(JSON.stringify(body, null, 2))}`);
  return lines.join(' \\\n  ');
}
