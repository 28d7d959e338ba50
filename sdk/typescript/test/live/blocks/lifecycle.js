// An indicator that says whether what is shown is live.
cstar.realtime.onConnectionChange(setLiveIndicator);
cstar.realtime.onError((error) => console.warn('SSE error', error));
console.log(cstar.realtime.connected);

// Tear everything down when the user signs out.
cstar.destroy();
