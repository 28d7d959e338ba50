import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';

import { isValidWebhook, verifyWebhook, WebhookVerificationError } from '../../src/webhooks.js';

interface Case {
  name: string;
  secret: string;
  body: string;
  id: string | null;
  timestamp: string | number | null;
  signature: string | null;
  now: number;
  code: string | null;
}

const VECTORS = JSON.parse(readFileSync(new URL('../../../../vectors/signature.json', import.meta.url), 'utf8')) as Record<string, Case[]> & {
  rotation: Array<{ current: string; previous: string; id: string; timestamp: number; body: string; body_signature: string; standard_signature: string }>;
};

const SECRET = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const BODY = '{"id":"evt_1","type":"ticket.created","data":{}}';

afterEach(() => void vi.useRealTimers());

/** The name of the mistake; null if there is none. */
async function codeOf(verifying: Promise<unknown>): Promise<string | null> {
  return verifying.then(
    () => null,
    (error: unknown) => {
      expect(error).toBeInstanceOf(WebhookVerificationError);
      return (error as WebhookVerificationError).code;
    },
  );
}

const some = (headers: Record<string, string | number | null>) =>
  Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (value === null ? [] : [[name, String(value)]])));

const standard = ({ id, timestamp, signature }: Pick<Case, 'id' | 'timestamp' | 'signature'>) =>
  some({ 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature });

for (const { name, secret, code } of VECTORS['secrets']!) {
  test(`T5: a secret: ${name}`, async () => {
    expect(await codeOf(verifyWebhook(BODY, {}, secret))).toBe(code ?? 'missing_header');
  });
}

for (const { name, body, signature, secret } of VECTORS['body']!) {
  test(`W37–W40: the signature of the body: ${name}`, async () => {
    expect(await isValidWebhook(body, signature, secret)).toBe(true);
    expect(await isValidWebhook(new TextEncoder().encode(body), signature, secret)).toBe(true);
    const verified = await codeOf(verifyWebhook(body, { 'x-cstar-signature': signature! }, secret, { legacy: true }));
    expect(verified).toBe(body === '' ? 'empty_body' : null);
  });
}

for (const { name, body, signature, secret, code } of VECTORS['body_verify']!) {
  test(`T2: what is wrong with the body’s signature: ${name}`, async () => {
    expect(await isValidWebhook(body, signature, secret)).toBe(code === null);
    expect(await codeOf(verifyWebhook(body, some({ 'X-CStar-Signature': signature }), secret, { legacy: true }))).toBe(code);
  });
}

for (const vector of VECTORS['standard']!) {
  test(`T4, T5: Standard Webhooks: ${vector.name}`, async () => {
    vi.useFakeTimers({ now: Number(vector.timestamp) * 1000, toFake: ['Date'] });
    const verified = await codeOf(verifyWebhook(vector.body, new Headers(standard(vector)), vector.secret));
    expect(verified).toBe(vector.body === '' ? 'empty_body' : null);
  });
}

for (const vector of VECTORS['standard_verify']!) {
  test(`T4: what is wrong with a request: ${vector.name}`, async () => {
    vi.useFakeTimers({ now: vector.now * 1000, toFake: ['Date'] });
    expect(await codeOf(verifyWebhook(vector.body, standard(vector), vector.secret))).toBe(vector.code);
  });
}

test('T3: while a rotation overlaps, the old header is the old secret’s, and the new one is both’s', async () => {
  for (const { current, previous, id, timestamp, body, body_signature: old, standard_signature: signature } of VECTORS.rotation) {
    vi.useFakeTimers({ now: timestamp * 1000, toFake: ['Date'] });
    for (const secret of [current, previous]) expect(await codeOf(verifyWebhook(body, standard({ id, timestamp, signature }), secret))).toBeNull();
    expect(await isValidWebhook(body, old, previous)).toBe(true);
    expect(await isValidWebhook(body, old, current)).toBe(false);
  }
});

test('R28, T9: what a server gets back is the flat envelope', async () => {
  const signature = createHmac('sha256', SECRET).update(BODY).digest('hex');
  const event = await verifyWebhook(BODY, { 'x-cstar-signature': signature }, SECRET, { legacy: true });
  expect(event).toEqual(JSON.parse(BODY));
});

test('a body that a framework has parsed is found', async () => {
  const parsed = JSON.parse(BODY) as string;
  expect(await codeOf(verifyWebhook(parsed, {}, SECRET))).toBe('body_not_raw');
  expect(await isValidWebhook(parsed, '0'.repeat(64), SECRET)).toBe(false);
});

test('a secret that is not set is named', async () => {
  expect(await codeOf(verifyWebhook(BODY, {}, undefined as unknown as string))).toBe('secret_without_prefix');
  expect(await isValidWebhook(BODY, '0'.repeat(64), undefined as unknown as string)).toBe(false);
});

test('a tolerance can be given', async () => {
  const timestamp = Math.floor(Date.now() / 1000) - 400;
  const key = Buffer.from(SECRET.slice(6), 'base64');
  const signature = `v1,${createHmac('sha256', key).update(`evt_1.${timestamp}.${BODY}`).digest('base64')}`;
  const headers = standard({ id: 'evt_1', timestamp, signature });
  expect(await codeOf(verifyWebhook(BODY, headers, SECRET))).toBe('timestamp_too_old');
  expect(await codeOf(verifyWebhook(BODY, headers, SECRET, { toleranceSeconds: 600 }))).toBeNull();
});

test('T2: no signature, body or secret makes it throw, and none but the right one is taken', async () => {
  const likeness = fc.stringMatching(/^(sha256=|v1,)?[0-9a-fA-F+/=]{0,90}$/);
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), likeness), fc.string(), async (signature, body) => {
      expect(await isValidWebhook(body, signature, SECRET)).toBe(false);
      const code = await codeOf(verifyWebhook(body, { 'x-cstar-signature': signature }, SECRET, { legacy: true }));
      expect(code).not.toBeNull();
    }),
  );
});

test('W37–W40: Node signs, and a flipped bit is found', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 500 }), fc.nat(), fc.nat(7), async (body, at, bit) => {
      const secret = `whsec_${randomBytes(32).toString('base64')}`;
      const signature = createHmac('sha256', secret).update(body).digest('hex');
      expect(await isValidWebhook(body, signature, secret)).toBe(true);
      const flipped = Uint8Array.from(body);
      flipped[at % body.length]! ^= 1 << bit;
      expect(await isValidWebhook(flipped, signature, secret)).toBe(false);
    }),
  );
});
