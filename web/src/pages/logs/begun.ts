// The operations that were begun from this page, and how many deliveries each is about, as they were counted before. An
// operation does not know: it looks at the log as it goes. One that was begun elsewhere is shown with how far it has come alone.

const begun = new Map<string, number | undefined>();

export function keepBegun(operation: string, deliveries: number | undefined): void {
  begun.set(operation, deliveries);
}

export function isBegunHere(operation: string): boolean {
  return begun.has(operation);
}

export function totalOf(operation: string): number | undefined {
  return begun.get(operation);
}
