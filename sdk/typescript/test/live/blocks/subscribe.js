// One type, and a wildcard.
const offCreated = cstar.realtime.on('ticket.created', ({ data }) => console.log('New ticket', data.ticket.id));
const offAllTickets = cstar.realtime.on('ticket.*', ({ type, data }) => console.log(type, data));

// Tear down
offAllTickets();
offCreated();
