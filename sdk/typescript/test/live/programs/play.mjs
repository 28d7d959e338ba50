// Plays a code block with what it takes for granted, in a process or in a page, and tells what the block does with it.

const AsyncFunction = (async () => {}).constructor;

/**
 * `tell(name, ...args)` is called for whatever the block calls outside the client; `pause()` is what a block waits for
 * where it says so. Answers with the client that the block used, once the block is through.
 */
export async function play(code, { CStarClient }, { tell, pause }) {
  const telling = (name) => (...args) => tell(name, ...args.map(plain));
  const given = {
    CStarClient,
    cstar: new CStarClient({ apiKey: process.env.CSTAR_KEY, teamId: process.env.CSTAR_TEAM_ID }),
    console: { log: telling('console.log'), warn: telling('console.warn') },
    log: { event: telling('log.event') },
    setLiveIndicator: telling('setLiveIndicator'),
    handler: telling('handler'),
    pause,
  };
  // In a block of its own, the code may name a client of its own `cstar`.
  return new AsyncFunction(...Object.keys(given), `{ ${code}\nreturn cstar; }`)(...Object.values(given));
}

/** What can leave a page: an error by its fields, anything else as it is. */
const plain = (value) => (value instanceof Error ? { isError: true, message: value.message, ...value } : value);
