// Webhooks of a team.
import type {
  Attempt,
  CreatedWebhook,
  CreateWebhook,
  Operation,
  RecoverWebhook,
  RotatedSecret,
  RotateSecret,
  TestWebhook,
  UpdateWebhook,
  Webhook,
  WebhookStats,
} from '../generated/api.js';
import type { Transport } from '../internal/transport.js';
import { List, type ListQuery } from '../list.js';
import type { CallOptions, ChangeOptions, Tagged } from '../types/options.js';

export class Webhooks {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Registers an endpoint. Its secret is in this answer and in no other. */
  create(webhook: CreateWebhook, options?: CallOptions): Promise<CreatedWebhook> {
    return this.#transport.fetch({ method: 'POST', path: this.#path(), body: webhook }, options);
  }

  list(query: ListQuery = {}, options?: CallOptions): List<Webhook> {
    return new List(this.#transport, { method: 'GET', path: this.#path(), query: { ...query } }, options);
  }

  get(id: string, options?: CallOptions): Promise<Webhook> {
    return this.#transport.fetch({ method: 'GET', path: this.#path(id) }, options);
  }

  /** The same with its `etag`, for an `update` that does not undo what others change in between. */
  getTagged(id: string, options?: CallOptions): Promise<Tagged<Webhook>> {
    return this.#transport.fetchTagged({ method: 'GET', path: this.#path(id) }, options);
  }

  /** Changes what is given; the rest stays as it is. */
  update(id: string, change: UpdateWebhook, { ifMatch, ...options }: ChangeOptions = {}): Promise<Webhook> {
    const headers = ifMatch === undefined ? {} : { 'if-match': ifMatch };
    return this.#transport.fetch({ method: 'PATCH', path: this.#path(id), body: change, headers }, options);
  }

  /** Deletes it, which cancels what waits. */
  async delete(id: string, options?: CallOptions): Promise<void> {
    await this.#transport.send({ method: 'DELETE', path: this.#path(id) }, options);
  }

  /** Gives it a new secret. The one before stays valid beside it for a day, unless `overlap_seconds` says otherwise. */
  rotateSecret(id: string, rotation: RotateSecret = {}, options?: CallOptions): Promise<RotatedSecret> {
    return this.#transport.fetch({ method: 'POST', path: this.#path(id, 'secret'), body: rotation }, options);
  }

  /** Forgets the secret before the last rotation, at once. */
  async endOverlap(id: string, options?: CallOptions): Promise<void> {
    await this.#transport.send({ method: 'DELETE', path: this.#path(id, 'secret', 'previous') }, options);
  }

  /** Sends an example now, and tells what came of its first attempt. It is a delivery like others: in the logs, and retried. */
  test(id: string, test: TestWebhook = {}, options?: CallOptions): Promise<Attempt> {
    return this.#transport.fetch({ method: 'POST', path: this.#path(id, 'test'), body: test }, options);
  }

  /** How it has been doing for a day, hour by hour. */
  stats(id: string, options?: CallOptions): Promise<WebhookStats> {
    return this.#transport.fetch({ method: 'GET', path: this.#path(id, 'stats') }, options);
  }

  /** Sends what it missed in a time: what failed, and what was published while it was disabled. */
  recover(id: string, recovery: RecoverWebhook, options?: CallOptions): Promise<Operation> {
    return this.#transport.fetch({ method: 'POST', path: this.#path(id, 'recover'), body: recovery }, options);
  }

  #path(...more: string[]): string[] {
    return this.#transport.connection.team('webhooks', ...more);
  }
}
