import { ApiError } from '@cstar/client';

/** A refusal as people read it. */
export interface Refusal {
  status: number | undefined;
  code: string | undefined;
  detail: string;
  requestId: string | undefined;
  /** What is wrong with a field, by its JSON Pointer in the request. */
  fields: Map<string, string>;
}

/** Whatever was thrown. What the API says is without a capital and a full stop; here it stands as sentences. */
export function refusal(error: unknown): Refusal {
  if (!(error instanceof ApiError)) {
    const detail = sentence(error instanceof Error && error.message ? error.message : 'something went wrong');
    return { status: undefined, code: undefined, detail, requestId: undefined, fields: new Map() };
  }
  const { status, code, requestId, problem, message } = error;
  const fields = (problem?.errors ?? []).map((field) => [field.pointer, sentence(field.detail)] as const);
  // Where fields are what is wrong, the whole says no more than that.
  const detail = fields.map(([, detail]) => detail).join(' ') || sentence(problem?.detail ?? message);
  return { status, code, requestId, detail, fields: new Map(fields) };
}

/** What an error has against one field. */
export function fieldError(error: unknown, ...pointers: string[]): string | undefined {
  const { fields } = refusal(error);
  return pointers.map((pointer) => fields.get(pointer)).find((detail) => detail !== undefined);
}

function sentence(words: string): string {
  const begun = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
