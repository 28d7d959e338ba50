// The runtimes that the client is for, as npm installed them beside these tests.
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PACKAGES = fileURLToPath(new URL('node_modules/', import.meta.url));

/** How each runtime is called with a program; the packages of Deno and Bun have one for this platform below their scope. */
export const RUNTIMES = {
  [`Node ${process.versions.node}`]: [process.execPath],
  // npm has packages of other versions of Node for this platform alone.
  ...(process.platform === 'linux' && process.arch === 'x64' && {
    'Node 22': [binary('node22/bin/node')],
    'Node 24': [binary('node24/bin/node')],
  }),
  Deno: [binary(`@deno/${platform('@deno')}/deno`), 'run', '--quiet', '--allow-net', '--allow-env', '--allow-read'],
  Bun: [binary(`@oven/${platform('@oven')}/bin/bun`), 'run'],
};

function platform(scope) {
  return existsSync(PACKAGES + scope) ? readdirSync(PACKAGES + scope)[0] : 'none';
}

function binary(path) {
  if (!existsSync(PACKAGES + path)) {
    throw new Error(`there is no ${path} in ${PACKAGES}; run \`npm ci\` beside it, with optional packages`);
  }
  return PACKAGES + path;
}
