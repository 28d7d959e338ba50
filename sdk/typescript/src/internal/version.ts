// What the client calls itself; a test holds it against package.json.

export const VERSION = '0.1.0';
export const USER_AGENT = `cstar-client-js/${VERSION}`;
