/** Whether a pattern takes a type, as the server's matcher has it: vectors/patterns.json holds all of them to one rule. */
export function takes(pattern: string, type: string): boolean {
  if (pattern === '*') return true;
  const [resource, action] = pattern.split('.');
  const [ofType, what] = type.split('.');
  return (resource === '*' || resource === ofType) && (action === '*' || action === what);
}

export function anyTakes(patterns: readonly string[], type: string): boolean {
  return patterns.some((pattern) => takes(pattern, type));
}

/** The patterns with one more, and without those that it makes needless. */
export function withPattern(patterns: readonly string[], added: string): string[] {
  return [...patterns.filter((pattern) => !covers(added, pattern)), added];
}

/** Whether a pattern takes all that another one takes. */
export function covers(wide: string, narrow: string): boolean {
  if (wide === '*' || wide === narrow) return true;
  if (narrow === '*') return false;
  const [resource, action] = wide.split('.');
  const [ofNarrow, what] = narrow.split('.');
  return (resource === '*' || resource === ofNarrow) && (action === '*' || action === what);
}
