// The build: ESM and CJS, each with its types.
import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: ['src/index.ts', 'src/realtime.ts', 'src/tabs.ts', 'src/webhooks.ts'],
  format: ['esm', 'cjs'],
  dts: true,
  platform: 'neutral',
  target: 'es2022',
  sourcemap: true,
});
