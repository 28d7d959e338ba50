// A module of the page, as Node can run it.
import { runnerImport } from 'vite';

const ROOT = new URL('../', import.meta.url).pathname;

/** What a file below `src` exports. */
export async function source(path) {
  const { module } = await runnerImport(`${ROOT}src/${path}`, { root: ROOT, configFile: false, logLevel: 'error' });
  return module;
}
