/** "412 ms", "1.24 s". */
export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

/** 0.9987 → "99.8%": never rounded up to what it is not. */
export function share(part: number, whole: number): string {
  if (part === whole || part === 0) return part === 0 ? '0%' : '100%';
  return `${(Math.floor((part / whole) * 1000) / 10).toFixed(1)}%`;
}

const counted = new Intl.NumberFormat();

/** "1,204 deliveries", "1 delivery". */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${counted.format(number)} ${number === 1 ? one : many}`;
}
