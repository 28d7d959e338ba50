// Lists, row by row or page by page.
import { ProtocolError } from './errors.js';
import type { Call, Transport } from './internal/transport.js';
import type { CallOptions } from './types/options.js';

/** A page of a list, in the order that the list has. There may be fewer rows than asked for, or none, although more follow. */
export interface Page<Row> {
  data: Row[];
  has_more: boolean;
  /** What to give as `after` to get the rows behind these. Set exactly if `has_more`. */
  next?: string | null;
}

/** Which part of a list. */
export interface ListQuery {
  /** At most so many rows a page. */
  limit?: number | undefined;
  /** Behind a page's `next`, or a row's id or position. */
  after?: string | undefined;
  /** In front of a row's id or position: with the newest row that one has, what is new. */
  before?: string | undefined;
}

/**
 * A list. Nothing is asked of the server before the first row or page is, and no page before it is wanted.
 *
 * ```ts
 * for await (const webhook of cstar.webhooks.list()) console.log(webhook.url);
 * const { data, next } = await cstar.webhooks.list({ limit: 20 }).page();
 * ```
 */
export class List<Row> implements AsyncIterable<Row> {
  readonly #transport: Transport;
  readonly #call: Call;
  readonly #options: CallOptions | undefined;

  /** @internal */
  constructor(transport: Transport, call: Call, options: CallOptions | undefined) {
    this.#transport = transport;
    this.#call = call;
    this.#options = options;
  }

  /** The first page alone. */
  page(): Promise<Page<Row>> {
    return this.#fetch({});
  }

  /** Page by page. */
  async *pages(): AsyncGenerator<Page<Row>, void, undefined> {
    let after: string | undefined;
    for (;;) {
      const page = await this.#fetch(after === undefined ? {} : { after });
      if (page.has_more && (!page.next || page.next === after)) {
        throw new ProtocolError('a page says that more follow, and not where');
      }
      yield page;
      if (!page.has_more || !page.next) return;
      after = page.next;
    }
  }

  /** Row by row, over all pages. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Row, void, undefined> {
    for await (const page of this.pages()) yield* page.data;
  }

  async #fetch(more: { after?: string }): Promise<Page<Row>> {
    const call = { ...this.#call, query: { ...this.#call.query, ...more } };
    const page = await this.#transport.fetch<Page<Row>>(call, this.#options);
    if (!Array.isArray(page?.data)) throw new ProtocolError("what came is no page of a list: check that the address is cStar's");
    return page;
  }
}
