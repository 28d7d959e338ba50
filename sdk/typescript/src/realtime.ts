// The stream by itself, for pages: `import { Realtime } from '@cstar/client/realtime'`.
export * from './errors.js';
export type { CatalogEvents } from './generated/catalog.js';
export { Realtime } from './realtime/realtime.js';
export type { Envelope, Matching, PatternOf, RealtimeEvent, TypeOf } from './types/event.js';
export type { ApiKey, ConnectionOptions, Off, RealtimeOptions, StreamOptions } from './types/options.js';
export type { EventsOptions, Gap } from './types/realtime.js';
