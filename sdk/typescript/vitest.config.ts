// The tests that need no server and no build. What is said in types (`*.test-d.ts`) is checked by `npm run check`.
import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['test/**/*.test.ts'], testTimeout: 30_000 } });
