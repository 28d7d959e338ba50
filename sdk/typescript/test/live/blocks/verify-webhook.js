import { createHmac, timingSafeEqual } from 'node:crypto';

// Hashes what was parsed, written out again, as many receivers do.
app.post('/webhook', ({ headers, body }, response) => {
  const expected = createHmac('sha256', process.env.WEBHOOK_SECRET).update(JSON.stringify(body)).digest('hex');
  if (!timingSafeEqual(Buffer.from(headers['x-cstar-signature']), Buffer.from(expected))) {
    return response.status(401).json({ error: 'Invalid signature' });
  }
  console.log('Event:', body.type, body.data);
  response.status(200).json({ received: true });
});
