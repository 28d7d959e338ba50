// What a server answered, read within bounds.
import { ApiError, ProtocolError } from '../errors.js';
import type { Problem } from '../generated/api.js';
import { retryAfterMs } from './retry-after.js';

/** The largest answer that is taken in: a server that sends without end does not exhaust memory. A full page fits. */
const ANSWER_MAX_BYTES = 32 * 1024 * 1024;

/** The largest problem document that is read; a thousand bad fields fit. */
const PROBLEM_MAX_BYTES = 256 * 1024;

/** The text of an answer of 2xx. */
export async function readAnswer(response: Response): Promise<string> {
  if (!response.ok) throw await refusal(response);
  return readText(response, ANSWER_MAX_BYTES);
}

/** The error that an answer other than the one hoped for is. */
export async function refusal(response: Response): Promise<ApiError> {
  const { headers, status } = response;
  return ApiError.of({
    status,
    problem: await readProblem(response),
    requestId: headers.get('x-request-id') ?? undefined,
    retryAfterMs: retryAfterMs(headers.get('retry-after'), Date.now()),
    location: headers.get('location') ?? undefined,
  });
}

/** Whether the body is declared as this, whatever parameters follow. */
export function mediaTypeIs(headers: Headers, mediaType: string): boolean {
  const [essence = ''] = (headers.get('content-type') ?? '').split(';');
  return essence.trim().toLowerCase() === mediaType;
}

async function readProblem(response: Response): Promise<Problem | undefined> {
  if (!mediaTypeIs(response.headers, 'application/problem+json')) {
    await response.body?.cancel().catch(() => {});
    return undefined;
  }
  try {
    const problem: unknown = JSON.parse(await readText(response, PROBLEM_MAX_BYTES));
    return isProblem(problem) ? problem : undefined;
  } catch {
    return undefined;
  }
}

function isProblem(value: unknown): value is Problem {
  const { code, detail } = (value ?? {}) as Partial<Problem>;
  return typeof code === 'string' && typeof detail === 'string';
}

async function readText(response: Response, maxBytes: number): Promise<string> {
  if (response.body === null) return '';
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > maxBytes) {
      await reader.cancel().catch(() => {});
      throw new ProtocolError(`an answer of more than ${maxBytes} bytes: check that the address is cStar's`);
    }
    text += decoder.decode(value, { stream: true });
  }
}
