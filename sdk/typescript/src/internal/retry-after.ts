// The `Retry-After` header: seconds, or a date.

/** As long as an answer is believed. What asks for more is a mistake, or an outage that is worth a look an hour later. */
const MAX_MS = 3_600_000;

const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** How long the answer asks to wait, in milliseconds. */
export function retryAfterMs(value: string | null, now: number): number | undefined {
  const text = value?.trim() ?? '';
  const asked = /^\d+$/.test(text) ? Number(text) * 1000 : HTTP_DATE.test(text) ? Date.parse(text) - now : NaN;
  return Number.isNaN(asked) ? undefined : Math.min(Math.max(asked, 0), MAX_MS);
}
