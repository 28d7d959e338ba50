// Two handlers on a client that gets everything.
const cstar = new CStarClient({ teamId: process.env.CSTAR_TEAM_ID, apiKey: process.env.CSTAR_KEY });
for (const type of ['ticket.created', 'ticket.updated']) cstar.realtime.on(type, handler);
