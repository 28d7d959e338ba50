// How many deliveries an operation is about, as they were counted before it began. An operation does not know: it looks at
// the log as it goes. A page that was loaded since does not know either, and shows how far it has come alone.

const totals = new Map<string, number>();

export function keepTotal(operation: string, deliveries: number): void {
  totals.set(operation, deliveries);
}

export function totalOf(operation: string): number | undefined {
  return totals.get(operation);
}
