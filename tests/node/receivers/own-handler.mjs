// A receiver that verifies as customers do: it hashes what it parsed, written out again.
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Adds `POST /webhook` to `app`; the secret is read from `environment.WEBHOOK_SECRET` at each request. */
export function ownHandler(app, environment) {
  app.post('/webhook', (request, response) => {
    const hash = createHmac('sha256', environment.WEBHOOK_SECRET).update(JSON.stringify(request.body));
    const genuine = timingSafeEqual(Buffer.from(request.headers['x-cstar-signature']), Buffer.from(hash.digest('hex')));
    if (genuine) response.status(200).json({ received: true });
    else response.status(401).json({ error: 'Invalid signature' });
  });
}
