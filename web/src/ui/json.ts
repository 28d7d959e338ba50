/** Marks that turn the direction of what follows, so that it reads otherwise than it is. */
const TURNING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Laid out, lists in lists grow with the square of their depth: longer ones are not laid out. */
const LONGEST_CHARS = 100_000;

/**
 * JSON over several lines; `undefined` where the text is none, or no object or list, or would be too long. Marks that turn the direction of text are
 * written as escapes: the same JSON, and it reads as what it is.
 */
export function pretty(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const laidOut = JSON.stringify(value, null, 2);
    return laidOut.length > LONGEST_CHARS ? undefined : withoutTurning(laidOut);
  } catch {
    // It is no JSON, or so deep that it cannot be written.
    return undefined;
  }
}

export function withoutTurning(json: string): string {
  return json.replace(TURNING, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
