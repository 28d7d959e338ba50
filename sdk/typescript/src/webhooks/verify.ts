// The receiver's side of webhooks.
import type { CatalogEvents } from '../generated/catalog.js';
import type { FlatEvent } from '../types/event.js';
import { base64Decoded, hexDecoded, utf8 } from './encoding.js';
import { WebhookVerificationError, type VerificationCode } from './error.js';
import { decodedSecret } from './secret.js';

/** How far the signature's time and this machine's clock may lie apart, unless said. */
const TOLERANCE_SECONDS = 300;

/** A request's body as it came, before any parser. */
export type RawBody = string | ArrayBufferView | ArrayBuffer;

/** A request's headers, as any framework has them. */
export type WebhookHeaders = Headers | Record<string, string | readonly string[] | undefined>;

export interface VerifyOptions {
  /** Whether to go by `x-cstar-signature` alone, which is not protected from replay, where a proxy drops the other headers. */
  legacy?: boolean | undefined;
  /** How far the signature's time and this machine's clock may lie apart; 300 unless given. */
  toleranceSeconds?: number | undefined;
}

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * The event of a request that cStar signed, `data` flat.
 *
 * ```ts
 * const event = await verifyWebhook(await request.text(), request.headers, process.env.WEBHOOK_SECRET);
 * ```
 *
 * @throws WebhookVerificationError when the request is not to be trusted; answer 401 then.
 */
export async function verifyWebhook<Map = CatalogEvents>(
  rawBody: RawBody,
  headers: WebhookHeaders,
  secret: string,
  options: VerifyOptions = {},
): Promise<FlatEvent<Map>> {
  const body = bytesOf(rawBody);
  const key = decodedSecret(secret);
  if (options.legacy) await verifyBody(body, header(headers, 'x-cstar-signature'), secret);
  else await verifyStandard(body, headers, key, options.toleranceSeconds ?? TOLERANCE_SECONDS);
  try {
    return JSON.parse(new TextDecoder().decode(body)) as FlatEvent<Map>;
  } catch {
    throw mistake(body.length === 0 ? 'empty_body' : 'body_not_raw');
  }
}

/**
 * Whether `x-cstar-signature` is that of the body. It never throws, whatever the signature (T2).
 *
 * `verifyWebhook` says what is wrong, and does not take a request that somebody sends again.
 */
export async function isValidWebhook(
  rawBody: RawBody,
  signature: string | readonly string[] | null | undefined,
  secret: string,
): Promise<boolean> {
  try {
    const code = hexDecoded(String(signature));
    return code !== undefined && (await isSignedWith(wholeSecret(secret), code, bytesOf(rawBody)));
  } catch {
    return false;
  }
}

/** W36–W40: hex of the body's HMAC, whose key is the whole secret. */
async function verifyBody(body: Bytes, signature: string, secret: string): Promise<void> {
  const code = hexDecoded(signature);
  if (code === undefined || !(await isSignedWith(wholeSecret(secret), code, body))) throw mistake(bodyMistake(signature, body));
}

/** T4, T5: Standard Webhooks 1.0. */
async function verifyStandard(body: Bytes, headers: WebhookHeaders, key: Bytes, toleranceSeconds: number): Promise<void> {
  const id = header(headers, 'webhook-id');
  const timestamp = header(headers, 'webhook-timestamp');
  const signatures = header(headers, 'webhook-signature');
  checkAge(timestamp, Math.floor(Date.now() / 1000), toleranceSeconds);
  const start = utf8(`${id}.${timestamp}.`);
  const signed = new Uint8Array(start.length + body.length);
  signed.set(start);
  signed.set(body, start.length);
  const version1 = signatures.split(' ').filter((signature) => signature.startsWith('v1,'));
  for (const signature of version1) {
    const code = base64Decoded(signature.slice('v1,'.length));
    if (code !== undefined && (await isSignedWith(key, code, signed))) return;
  }
  if (version1.length > 0) throw mistake(ofMismatch(body));
  throw mistake(hexDecoded(signatures) === undefined ? 'signature_without_v1' : 'wrong_header');
}

/** The secret as the key of `x-cstar-signature`. What is no text, such as a variable that is not set, would be one that anybody can guess. */
function wholeSecret(secret: string): Bytes {
  if (typeof secret !== 'string' || secret === '') throw mistake('secret_without_prefix');
  return utf8(secret);
}

function checkAge(timestamp: string, now: number, toleranceSeconds: number): void {
  const signed = /^\d{1,15}$/.test(timestamp) ? Number(timestamp) : undefined;
  if (signed === undefined) throw mistake('malformed_timestamp');
  // A tolerance that is no number tolerates nothing.
  if (!(now - signed <= toleranceSeconds)) throw mistake('timestamp_too_old');
  if (!(signed - now <= toleranceSeconds)) throw mistake('timestamp_too_new');
}

/** Compared in constant time, by the platform. */
async function isSignedWith(key: Bytes, code: Bytes, signed: Bytes): Promise<boolean> {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
  return crypto.subtle.verify('HMAC', imported, code, signed);
}

/** What is wrong with an `x-cstar-signature` that does not match. */
function bodyMistake(signature: string, body: Bytes): VerificationCode {
  const { length } = utf8(signature);
  if (signature.startsWith('v1,')) return 'wrong_header';
  if (/=.{64}$/.test(signature)) return 'signature_prefixed';
  if (length === 43 || length === 44) return 'signature_base64';
  if (length !== 64) return 'signature_length';
  if (!/^[0-9a-f]+$/i.test(signature)) return 'signature_not_hex';
  return /[A-F]/.test(signature) ? 'signature_upper_case' : ofMismatch(body);
}

/** A body that is not as cStar writes it was parsed and written again. */
function ofMismatch(body: Bytes): VerificationCode {
  if (body.length === 0) return 'empty_body';
  return new TextDecoder().decode(body.subarray(0, 7)) === '{"id":"' ? 'no_match' : 'body_not_raw';
}

/** The header's value, whatever its name's case. */
function header(headers: WebhookHeaders, name: string): string {
  const value = isHeaders(headers) ? headers.get(name) : Object.entries(headers ?? {}).find(([key]) => key.toLowerCase() === name)?.[1];
  if (value === null || value === undefined || value.length === 0) throw mistake('missing_header');
  return typeof value === 'string' ? value : value.join(', ');
}

/** Those of another realm or library are no instance of the `Headers` here. */
const isHeaders = (headers: WebhookHeaders): headers is Headers => typeof headers?.get === 'function';

/** A copy: who gave the body may change it while it is verified. */
function bytesOf(body: RawBody): Bytes {
  if (typeof body === 'string') return utf8(body);
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice();
  if (Object.prototype.toString.call(body) === '[object ArrayBuffer]') return new Uint8Array(body).slice();
  throw mistake('body_not_raw'); // A parsed object, most of all.
}

const mistake = (code: VerificationCode): WebhookVerificationError => new WebhookVerificationError(code);
