// What JavaScript lets through that the types forbid.
import { createHmac } from 'node:crypto';
import { createContext, runInContext } from 'node:vm';

import { afterEach, expect, test, vi } from 'vitest';

import { isValidWebhook, verifyWebhook } from '../../src/webhooks.js';

const BODY = '{"id":"evt_1","type":"ticket.created"}';
const KEY = Buffer.alloc(32, 7);
const SECRET = `whsec_${KEY.toString('base64')}`;
const NOW = 1_765_377_000;

afterEach(() => void vi.useRealTimers());

const hex = (key: string, body = BODY): string => createHmac('sha256', key).update(body).digest('hex');

function signed(timestamp = NOW): Record<string, string> {
  vi.useFakeTimers({ now: NOW * 1000, toFake: ['Date'] });
  const code = createHmac('sha256', KEY).update(`evt_1.${timestamp}.${BODY}`).digest('base64');
  return { 'webhook-id': 'evt_1', 'webhook-timestamp': String(timestamp), 'webhook-signature': `v1,${code}` };
}

for (const secret of [null, undefined, 7, true, {}, ['guessed'], Promise.resolve('a secret')]) {
  test(`T2: a secret that is no text takes no signature made with "${String(secret)}"`, async () => {
    const forged = hex(String(secret));
    expect(await isValidWebhook(BODY, forged, secret as never)).toBe(false);
    for (const legacy of [true, false]) {
      const verified = verifyWebhook(BODY, { ...signed(), 'x-cstar-signature': forged }, secret as never, { legacy });
      await expect(verified).rejects.toMatchObject({ code: 'secret_without_prefix' });
    }
  });
}

test('T2: an empty secret takes no signature', async () => {
  expect(await isValidWebhook(BODY, hex(''), '')).toBe(false);
});

test('T4: a tolerance that is no number does not let old requests through', async () => {
  await expect(verifyWebhook(BODY, signed(NOW - 86_400), SECRET, { toleranceSeconds: NaN })).rejects.toMatchObject({ code: 'timestamp_too_old' });
});

for (const headers of [undefined, null]) {
  test(`T2: headers that are ${headers} are named as what is missing`, async () => {
    await expect(verifyWebhook(BODY, headers as never, SECRET)).rejects.toMatchObject({ code: 'missing_header' });
  });
}

test('T4: headers and bodies of other realms and libraries are taken', async () => {
  const headers = signed();
  const foreign = { get: (name: string) => headers[name] ?? null } as Headers;
  const realm = createContext({ bytes: [...Buffer.from(BODY)] });
  for (const body of ['new Uint8Array(bytes)', 'new Uint8Array(bytes).buffer', 'new DataView(new Uint8Array([0, ...bytes]).buffer, 1)']) {
    expect(await verifyWebhook(runInContext(body, realm), foreign, SECRET)).toMatchObject({ id: 'evt_1' });
  }
});
