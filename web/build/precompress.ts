// Beside each file of the page, what is served to those who take it compressed: made once here, not for each request.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

/** Shorter files fit into one packet either way. */
const SMALLEST_BYTES = 1000;

export function precompress(): Plugin {
  return {
    name: 'precompress',
    apply: 'build',
    // Of what was written: before that, parts of it are still to be filled in.
    writeBundle({ dir }, bundle) {
      for (const name of Object.keys(bundle)) {
        const path = join(dir!, name);
        const content = readFileSync(path);
        if (content.length < SMALLEST_BYTES) continue;
        const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
        writeFileSync(`${path}.br`, brotliCompressSync(content, { params }));
        writeFileSync(`${path}.gz`, gzipSync(content, { level: constants.Z_BEST_COMPRESSION }));
      }
    },
  };
}
