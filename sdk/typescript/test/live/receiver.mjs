// A plain server on loopback that takes webhooks and keeps them.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

/** A running receiver: its `url`, and what it has `received`: `{ body, headers }`, the body being the bytes as text. */
export async function openReceiver() {
  const received = [];
  const server = createServer(async (request, response) => {
    received.push({ headers: request.headers, body: await text(request) });
    response.writeHead(200).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/webhook`,
    received,
    close: () => new Promise((done) => server.close(done) && server.closeAllConnections()),
  };
}
