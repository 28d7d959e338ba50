// The receiver's side by itself, for servers and edge workers: `import { verifyWebhook } from '@cstar/client/webhooks'`.
export { CStarError } from './errors.js';
export type { CatalogEvents } from './generated/catalog.js';
export type { Envelope, FlatEvent } from './types/event.js';
export { WebhookVerificationError, type VerificationCode } from './webhooks/error.js';
export { isValidWebhook, verifyWebhook, type RawBody, type VerifyOptions, type WebhookHeaders } from './webhooks/verify.js';
