import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { precompress } from './build/precompress.ts';

export default defineConfig({
  plugins: [react(), precompress()],
  build: {
    target: ['chrome123', 'firefox128', 'safari17.5'],
    // An inlined file would be a `data:` URL, which the page's policy allows to images alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // What is in the page is others' work too; their licences ask to be handed on with it.
    license: { fileName: 'assets/licences.md' },
    reportCompressedSize: false,
    // The directory stays, since cargo watches it; `npm run build` empties it.
    emptyOutDir: false,
  },
  // `npm run dev` shows the page as it is being edited, over a server that `cstar dev` runs.
  server: { proxy: { '/v1': { target: process.env.CSTAR_URL ?? 'http://127.0.0.1:7070' } } },
});
