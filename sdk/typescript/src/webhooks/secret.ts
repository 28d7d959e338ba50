// A webhook's secret: `whsec_` and base64 of random bytes.
import { base64Decoded } from './encoding.js';
import { WebhookVerificationError } from './error.js';

const PREFIX = 'whsec_';
const MIN_BYTES = 24;
const MAX_BYTES = 64;

/**
 * The bytes that the secret encodes, which are the key of `webhook-signature` (T5).
 *
 * @throws WebhookVerificationError when it is none, with what is wrong with it.
 */
export function decodedSecret(secret: string): Uint8Array<ArrayBuffer> {
  if (typeof secret !== 'string') throw new WebhookVerificationError('secret_without_prefix');
  if (secret.trim() !== secret) throw new WebhookVerificationError('secret_has_space');
  if (!secret.startsWith(PREFIX)) throw new WebhookVerificationError('secret_without_prefix');
  const bytes = base64Decoded(secret.slice(PREFIX.length));
  if (bytes === undefined) throw new WebhookVerificationError('secret_not_base64');
  if (bytes.length < MIN_BYTES || bytes.length > MAX_BYTES) throw new WebhookVerificationError('secret_length');
  return bytes;
}
