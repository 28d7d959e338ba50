// Takes webhooks with Express: verifies the bytes as they came, answers at once, and does each event's work once.
import { verifyWebhook, WebhookVerificationError } from '@cstar/client';
import express from 'express';

const { WEBHOOK_SECRET, PORT = '3000' } = process.env;
if (!WEBHOOK_SECRET) throw new Error('set WEBHOOK_SECRET: `cstar listen --print-secret` prints the one for this machine');

/** Deliveries whose work was begun. In earnest this is a table with a unique column: a delivery can come twice. */
const begun = new Set();

const app = express();

// `express.raw`, not `express.json`: what is verified is the body itself, before anything parses it.
app.post('/webhook', express.raw({ type: 'application/json' }), async (request, response) => {
  let event;
  try {
    event = await verifyWebhook(request.body, request.headers, WEBHOOK_SECRET);
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    console.warn(`refused: ${error.code}`);
    return response.status(401).json({ error: 'Invalid signature' });
  }
  response.json({ received: true });

  const delivery = request.headers['x-cstar-delivery'];
  if (begun.has(delivery)) return;
  begun.add(delivery);
  work(event);
});

/** What the event is for. It comes after the answer, which has to be there within 10 seconds. */
function work({ id, type, data }) {
  console.log(`${type} ${id}`, data);
}

const server = app.listen(Number(PORT), () => console.log(`listening on http://localhost:${server.address().port}/webhook`));
