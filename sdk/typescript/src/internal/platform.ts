// What the surroundings give: the environment's variables, a page, and a place for warnings.

interface Surroundings {
  process?: { env?: Record<string, string | undefined>; versions?: { node?: string } };
  Deno?: unknown;
  WorkerGlobalScope?: unknown;
  document?: unknown;
  location?: { origin?: string };
}

const surroundings = globalThis as unknown as Surroundings;

/** A variable of the environment, where there is one and it may be read. */
export function environment(name: string): string | undefined {
  try {
    return surroundings.process?.env?.[name] || undefined;
  } catch {
    return undefined; // Deno asks for a permission.
  }
}

/** Whether this is Node, Deno or Bun, and no page in one of them. */
export const isServer = (): boolean =>
  surroundings.document === undefined && (surroundings.process?.versions?.node !== undefined || surroundings.Deno !== undefined);

/** Whether this is a page in a browser, or a worker of one, which unlike those at the edge has an address. */
export const isBrowser = (): boolean =>
  surroundings.document !== undefined ||
  (!isServer() && surroundings.WorkerGlobalScope !== undefined && surroundings.location?.origin !== undefined);

/** Where the page comes from. */
export const pageOrigin = (): string | undefined => surroundings.location?.origin;

let warned = false;

/** A secret key in a page can be read by everybody who opens the page; said once. */
export function warnOfSecretKey(key: unknown): void {
  if (warned || typeof key !== 'string' || !key.startsWith('csk_') || !isBrowser()) return;
  warned = true;
  console.warn('cStar: this page holds a secret key (csk_…). Give `apiKey` a function that fetches a realtime token instead.');
}
