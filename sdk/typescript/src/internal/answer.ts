// What a server answered.
import type { Refusal } from '../errors.js';
import type { Problem } from '../generated/api.js';
import { retryAfterMs } from './retry-after.js';

/** What an answer other than the one hoped for says. */
export async function refusal(response: Response): Promise<Refusal> {
  const { headers, status } = response;
  return {
    status,
    problem: await problemOf(response),
    requestId: headers.get('x-request-id') ?? undefined,
    retryAfterMs: retryAfterMs(headers.get('retry-after'), Date.now()),
    location: headers.get('location') ?? undefined,
  };
}

/** Whether the body is declared as this, whatever parameters follow. */
export function mediaTypeIs(headers: Headers, mediaType: string): boolean {
  return (headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase() === mediaType;
}

/** Lets a body go that nobody reads. */
export function discard(response: Response): void {
  response.body?.cancel().catch(() => {});
}

/** What cStar says of its refusal; `undefined` if it was not cStar that answered. */
async function problemOf(response: Response): Promise<Problem | undefined> {
  if (!mediaTypeIs(response.headers, 'application/problem+json')) {
    discard(response);
    return undefined;
  }
  const problem: Partial<Problem> | null = await response.json().catch(() => null);
  return typeof problem?.code === 'string' && typeof problem.detail === 'string' ? (problem as Problem) : undefined;
}
