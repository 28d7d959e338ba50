// What can be wrong with a signed request.
import { CStarError } from '../errors.js';

const MISTAKES = {
  missing_header: 'the request lacks a signature header: check that a proxy or framework passes it on, under its name',
  malformed_timestamp: '`webhook-timestamp` is not a whole number of seconds since 1970: pass the header as it came',
  timestamp_too_old: "the request was signed longer ago than is tolerated: check this machine's clock",
  timestamp_too_new: "the request was signed in the future: check this machine's clock",
  signature_prefixed: 'the signature has a prefix such as `sha256=`: `x-cstar-signature` is 64 hex characters and nothing else',
  signature_upper_case: 'the signature is in upper case: `x-cstar-signature` is lower-case hex, compare it as it came',
  signature_base64: 'the signature is base64: `x-cstar-signature` is lower-case hex',
  wrong_header: "this is the other header's signature: `x-cstar-signature` is hex, `webhook-signature` begins with `v1,`",
  signature_length: 'the signature does not have 64 characters: pass the `x-cstar-signature` header alone, as it came',
  signature_not_hex: 'the signature has characters that are not hex: pass the `x-cstar-signature` header as it came',
  signature_without_v1: '`webhook-signature` holds no `v1,` signature: pass the header as it came',
  empty_body: 'the body is empty: read the raw body before a parser consumes it, and verify that',
  body_not_raw: 'the body is not the bytes that were sent: verify the raw body, before any parser or formatter',
  no_match: "no signature matches: check that the secret is this webhook's own, and that the body is the raw bytes",
  secret_has_space: 'the secret begins or ends with white space, such as a newline: take it away',
  secret_without_prefix: 'the secret does not begin with `whsec_`: pass it whole, as it was shown when the webhook was made',
  secret_not_base64: 'what follows `whsec_` is not base64: check that the secret was copied whole',
  secret_length: 'the secret encodes less than 24 or more than 64 bytes: check that it was copied whole',
} as const;

/** The name of a mistake. */
export type VerificationCode = keyof typeof MISTAKES;

/** A request that is not to be trusted, or a receiver that is not set up right; `code` names the mistake. */
export class WebhookVerificationError extends CStarError {
  override readonly name = 'WebhookVerificationError';

  constructor(readonly code: VerificationCode) {
    super(MISTAKES[code]);
  }
}
