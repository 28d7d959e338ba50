// Follows a team's stream in whatever runtime this is, up to the first survey, and prints what it sees.

/**
 * `client` is all that the package exports; `print` takes one object for each thing that happens. A browser is not given
 * a key but the address of one who makes tokens (T17), and so is everybody here.
 */
export async function follow(client, { url, teamId, tokens }, print) {
  const cstar = new client.CStarClient({
    baseUrl: url,
    teamId,
    apiKey: async () => {
      print({ asked: 'token' });
      return (await fetch(tokens)).text();
    },
  });
  const { realtime } = cstar;
  realtime.onConnectionChange((connected) => print({ connected }));
  realtime.onError(({ message, status, code, willRetry }) => print({ error: { message, status, code, willRetry } }));
  await new Promise((done) => {
    realtime.onAny(({ id, data }) => print({ event: id, data: data.id }));
    realtime.on('survey.*', done);
  });
  cstar.destroy();
  print({ destroyed: true, stillConnected: realtime.connected });
}
