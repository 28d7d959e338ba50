// Verifies, in whatever runtime this is, one genuine request, and what a forger or a slip would make of it.

/** What each function says; `client` is all that the package exports. */
export async function verify({ verifyWebhook, isValidWebhook }, { body, headers, secret }) {
  const forged = body.replace('"evt_', '"evt_0');
  const signature = headers['x-cstar-signature'];
  const refusal = (...request) => verifyWebhook(...request).then(() => 'taken', ({ name, code }) => `${name} ${code}`);
  return {
    genuine: (await verifyWebhook(body, headers, secret)).id,
    bytes: (await verifyWebhook(new TextEncoder().encode(body), new Headers(headers), secret)).id,
    forged: await refusal(forged, headers, secret),
    parsed: await refusal(JSON.parse(body), headers, secret),
    late: await refusal(body, { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) - 301) }, secret),
    valid: await isValidWebhook(body, signature, secret),
    invalid: await isValidWebhook(forged, signature, secret),
    short: await isValidWebhook(body, signature.slice(1), secret),
    missing: await isValidWebhook(body, undefined, secret),
  };
}
