// The package as it is published: packed, and installed in an empty project.
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { run } from './scene.mjs';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAMS = fileURLToPath(new URL('programs', import.meta.url));

/** Packs what was built; the path of the archive, which lies in `directory`. */
export async function pack(directory) {
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', directory], { cwd: PACKAGE });
  return join(directory, JSON.parse(stdout)[0].filename);
}

/** A project with the package and the programs of these tests in it. */
export async function install() {
  const directory = await mkdtemp(join(tmpdir(), 'cstar-installed-'));
  const archive = await pack(directory);
  await writeFile(join(directory, 'package.json'), JSON.stringify({ name: 'empty', private: true }));
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', archive], { cwd: directory });
  await cp(PROGRAMS, directory, { recursive: true });
  return { directory, archive, remove: () => rm(directory, { recursive: true, force: true }) };
}
