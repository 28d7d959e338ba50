// Readers of the stream that know nothing of us: curl, and npm's `eventsource`.
import { EventSource } from 'eventsource';
import { createParser } from 'eventsource-parser';

import { Child } from './child.mjs';

const CONTROL_EVENTS = ['cstar.ready', 'cstar.gap', 'cstar.heartbeat', 'cstar.reconnect', 'cstar.unauthorized'];

/** The sequence number in a position, `<epoch>.<seq>`. */
export const sequence = (position) => Number(position.split('.')[1]);

/** What a reader saw, over all its connections: `frames` of `{ name, id, data }`, in order. */
class Reader {
  frames = [];

  constructor(team, { types, key = team.key } = {}) {
    this.url = team.stream(types);
    this.authorization = `Bearer ${key}`;
  }

  /** Frames of one name; without a name, the events. */
  named(name) {
    return this.frames.filter((frame) => frame.name === name);
  }

  /** How often the server has said that the subscription stands. */
  get connections() {
    return this.named('cstar.ready').length;
  }

  /** The last `id:` of whatever kind, from which a reader goes on. */
  get cursor() {
    return this.frames.findLast(({ id }) => id)?.id;
  }
}

/** `curl -N`; it does not come back by itself. */
export class CurlReader extends Reader {
  /** Every byte that came, over all connections. */
  wire = '';
  #child;

  /** Connects, from the cursor if there is one, else from `from`. */
  attach(from) {
    const parser = createParser({
      onEvent: ({ event, id, data }) => this.frames.push({ name: event, id, data }),
    });
    const cursor = this.cursor ?? from;
    const resume = cursor === undefined ? [] : ['-H', `Last-Event-ID: ${cursor}`];
    this.#child = new Child('curl', ['-sSN', '--fail', '-H', `Authorization: ${this.authorization}`, ...resume, this.url], {
      onStdout: (text) => {
        this.wire += text;
        parser.feed(text);
      },
    });
  }

  /** Waits until the connection is gone; what was cut off in the middle of a frame is not a frame. */
  async detached() {
    await this.#child.end();
  }

  async close() {
    if (!this.#child.ended) await this.#child.kill();
  }
}

/** A plain EventSource; it comes back by itself. */
export class EventSourceReader extends Reader {
  #source;

  attach() {
    this.#source = new EventSource(this.url, {
      fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, Authorization: this.authorization } }),
    });
    const note = (name) => ({ lastEventId: id, data }) => this.frames.push({ name, id, data });
    this.#source.addEventListener('message', note(undefined));
    for (const name of CONTROL_EVENTS) this.#source.addEventListener(name, note(name));
  }

  get gaveUp() {
    return this.#source.readyState === EventSource.CLOSED;
  }

  close() {
    this.#source.close();
  }
}
