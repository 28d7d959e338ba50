// Everything.
const off = cstar.realtime.onAny(({ type, data }) => log.event(type, data));
