/** Marks that turn the direction of what follows, so that it reads otherwise than it is. */
const TURNING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * JSON over several lines; `undefined` where the text is none, or no object or list. Marks that turn the direction of text are
 * written as escapes: the same JSON, and it reads as what it is.
 */
export function pretty(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  return withoutTurning(JSON.stringify(value, null, 2));
}

export function withoutTurning(json: string): string {
  return json.replace(TURNING, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
