// What happens in the team, as it happens.
import { CStarClient } from '@cstar/client';

/** So many of the newest events are shown. */
const SHOWN = 50;

const element = (id) => document.getElementById(id);
const copy = (template) => element(template).content.firstElementChild.cloneNode(true);
const stream = async () => (await fetch('/stream.json')).json();

const { baseUrl, teamId } = await stream();
const cstar = new CStarClient({ baseUrl, teamId, apiKey: async () => (await stream()).token });

cstar.realtime.onConnectionChange((connected) => {
  element('live').textContent = connected ? 'live' : 'reconnecting';
  element('live').classList.toggle('on', connected);
  if (connected) element('notice').hidden = true;
});
cstar.realtime.onError(({ message }) => notice(message));
cstar.realtime.onGap(() => notice('Some events were missed and can no longer be replayed.'));
cstar.realtime.onAny((event) => {
  count(event.type.split('.')[0]);
  show(event);
});

function notice(text) {
  element('notice').textContent = text;
  element('notice').hidden = false;
}

const counts = new Map();

function count(resource) {
  if (!counts.has(resource)) {
    const card = copy('count');
    card.querySelector('span').textContent = resource;
    element('counts').append(card);
    counts.set(resource, card.querySelector('strong'));
  }
  const number = counts.get(resource);
  number.textContent = Number(number.textContent) + 1;
}

/** Text alone: what is in an event was written by somebody else. */
function show({ type, created_at: created, data }) {
  const row = copy('event');
  row.querySelector('time').textContent = new Date(created).toLocaleTimeString();
  row.querySelector('.type').textContent = type;
  row.querySelector('.about').textContent = data.title ?? data.name ?? data.ticket?.title ?? data.id ?? '';
  element('events').prepend(row);
  element('events').children[SHOWN]?.remove();
}
