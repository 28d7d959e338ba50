// Real web servers on loopback that take webhooks and keep what came.
import { once } from 'node:events';

import express4 from 'express4';
import express5 from 'express5';
import fastify from 'fastify';

import { ownHandler } from './own-handler.mjs';
import { isPublished, publishedHandler } from './published-handler.mjs';

/** The documentation's handler where its text is at hand, else ours, which verifies in the same way. */
export const theHandler = isPublished ? publishedHandler : ownHandler;

/** Every framework that the handler is tried on, by name. */
export const FRAMEWORKS = {
  'Express 4': (handler) => expressReceiver(express4, handler),
  'Express 5': (handler) => expressReceiver(express5, handler),
  Fastify: fastifyReceiver,
};

/**
 * A running receiver: its `url`, what it `received` (`{ headers, rawHeaders, body, status, answer }`, `body` being the
 * bytes as text) and the `environment` that its handler reads the secret from.
 */
class Receiver {
  received = [];
  environment = {};

  note({ headers, rawHeaders }, body, status, answer) {
    this.received.push({ headers, rawHeaders, body, status, answer });
  }
}

export async function expressReceiver(express, handler = theHandler) {
  const receiver = new Receiver();
  const app = express();
  app.use((request, response, next) => {
    const json = response.json.bind(response);
    let answer;
    response.json = (body) => json((answer = body));
    response.on('finish', () => receiver.note(request, request.bytes?.toString('utf8'), response.statusCode, answer));
    next();
  });
  app.use(express.json({ verify: (request, _response, bytes) => (request.bytes = bytes) }));
  handler(app, receiver.environment);
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(receiver, {
    url: `http://127.0.0.1:${server.address().port}/webhook`,
    close: () => new Promise((done) => server.close(done) && server.closeAllConnections()),
  });
}

export async function fastifyReceiver(handler = theHandler) {
  const receiver = new Receiver();
  const app = fastify({ forceCloseConnections: true });
  // Fastify's own parser and its own settings; the text is only noted on its way there.
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
    request.raw.text = text;
    parse(request, text, done);
  });
  app.addHook('onSend', async (_request, reply, payload) => {
    reply.raw.answer = payload;
  });
  app.addHook('onResponse', async ({ raw }, reply) => {
    receiver.note(raw, raw.text, reply.statusCode, JSON.parse(reply.raw.answer));
  });
  handler(expressLike(app), receiver.environment);
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return Object.assign(receiver, { url: `${url}/webhook`, close: () => app.close() });
}

/** The few words of Express that the handler uses, spoken by Fastify. */
function expressLike(app) {
  const response = (reply) => ({
    status: (code) => {
      reply.code(code);
      return response(reply);
    },
    json: (body) => reply.send(body),
  });
  return { post: (path, handle) => app.post(path, (request, reply) => handle(request, response(reply))) };
}
