// A secret that was just made, on its way from the page that made it to the one that shows it. It is in this tab's memory
// alone: not in its history, not in storage, and gone once the page that shows it is left.

const secrets = new Map<string, string>();

export function keepSecret(webhook: string, secret: string): void {
  secrets.set(webhook, secret);
}

export function freshSecret(webhook: string): string | null {
  return secrets.get(webhook) ?? null;
}

export function forgetSecret(webhook: string): void {
  secrets.delete(webhook);
}
