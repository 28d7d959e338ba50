// What the documentation shows, played as it stands against the real server, and seen to do what it says.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { REALTIME_BLOCKS, WEBHOOK_BLOCKS } from './documents.mjs';
import { openReceiver } from './receiver.mjs';
import { EVENT_TYPES, example, publish, Server, streamsOf, waitFor } from './scene.mjs';
import { openStages } from './stage.mjs';

let server;
let theatre;

before(async () => {
  [server, theatre] = await Promise.all([Server.start({ flags: ['--cors-origins', 'localhost'] }), openStages()]);
});

after(async () => {
  await theatre?.close();
  await server?.stop();
});

/** A team and a block of code that is played for it, on a stream that stands when this returns. */
async function played(t, where, code) {
  const team = await server.team('documents');
  const playing = await theatre.stages[where](code, { CSTAR_URL: server.url, CSTAR_KEY: team.key, CSTAR_TEAM_ID: team.id });
  t.after(async () => {
    playing.resume();
    await playing.end();
  });
  await streamsOf(team, 1);
  return { team, playing };
}

/** The block, waiting where it begins to tear down. */
const waiting = (block, comment) => {
  assert.equal(block.split(comment).length, 2, `one ${comment} in ${block}`);
  return block.replace(comment, `await pause(); ${comment}`);
};

/** What a handler is shown of the type's example (T9). */
const shown = (type) => {
  const [[resource], data] = [type.split('.'), example(type)];
  return resource in data ? data : { ...data, [resource]: data };
};

for (const where of ['Node', 'Chromium']) {
  for (const [whose, block] of Object.entries(REALTIME_BLOCKS)) {
    test(`R1, R2, R8–R14, R26, R27, T9, T11, T15: ${whose} subscribe.js in ${where}`, async (t) => {
      const { team, playing } = await played(t, where, waiting(block('subscribe.js'), '// Tear down'));
      await publish(team, 'ticket.created', 'boss.spawned', 'ticket.updated');
      await waitFor('two handlers told', () => playing.told.length === 3);
      assert.deepEqual(playing.named('console.log'), [
        ['New ticket', example('ticket.created').id],
        ['ticket.created', shown('ticket.created')],
        ['ticket.updated', shown('ticket.updated')],
      ]);

      playing.resume();
      await playing.through();
      const [{ position }] = await publish(team, 'ticket.created');
      await playing.reaches(position);
      assert.equal(playing.told.length, 3, 'nothing after the tear-down, although it arrived');
    });

    test(`R11, R15, R16, R23: ${whose} onany.js in ${where}`, async (t) => {
      const { team, playing } = await played(t, where, block('onany.js'));
      await publish(team, ...EVENT_TYPES);
      await waitFor('every type told', () => playing.told.length === EVENT_TYPES.length);
      assert.deepEqual(playing.named('log.event'), EVENT_TYPES.map((type) => [type, shown(type)]));
    });

    test(`R17–R21, T12–T14: ${whose} lifecycle.js in ${where}`, async (t) => {
      // Where the documentation has it, after handlers were registered.
      const code = block('onany.js') + waiting(block('lifecycle.js'), '// Tear everything down');
      const { team, playing } = await played(t, where, code);
      const isLive = () => playing.named('setLiveIndicator').map(([connected]) => connected);
      assert.deepEqual(playing.named('console.log'), [[false]]);
      await waitFor('the indicator on', () => isLive().length === 1);
      await server.crash();
      try {
        await waitFor('the indicator off', () => isLive().length === 2);
        await waitFor('an error', () => playing.named('console.warn').length > 0);
      } finally {
        await server.begin();
      }
      await waitFor('the indicator on again', () => isLive().length === 3);
      playing.resume();
      await streamsOf(team, 0);
      await waitFor('the indicator off for good', () => isLive().length === 4);
      assert.deepEqual(isLive(), [true, false, true, false]);
      const [[text, error]] = playing.named('console.warn');
      assert.equal(text, 'SSE error');
      assert.equal(error.isError, true);
      assert.equal(error.willRetry, true);
    });

    test(`R1, R8, R25, T10: ${whose} scoped.js in ${where}`, async (t) => {
      const { team, playing } = await played(t, where, block('scoped.js'));
      const sent = await publish(team, 'ticket.created', 'boss.spawned', 'ticket.updated', 'ticket.closed', 'survey.submitted');
      await playing.reaches(sent.at(-1).position);
      assert.deepEqual(playing.named('handler').map(([{ id, type }]) => ({ id, type })), [
        { id: sent[0].id, type: 'ticket.created' },
        { id: sent[2].id, type: 'ticket.updated' },
      ]);
    });
  }
}

for (const [whose, { payload }] of Object.entries(WEBHOOK_BLOCKS)) {
  test(`W30–W35: a webhook has the form of ${whose} payload, and the same data`, async (t) => {
    const receiver = await openReceiver();
    t.after(() => receiver.close());
    const team = await server.team('payload');
    const shown = JSON.parse(payload);
    await team.webhook(receiver.url, [shown.type]);
    await team.publish({ type: shown.type, data: JSON.stringify(shown.data) });
    await waitFor('the webhook', () => receiver.received.length === 1);
    const sent = JSON.parse(receiver.received[0].body);
    assert.deepEqual(Object.keys(sent), Object.keys(shown));
    assert.equal(JSON.stringify(sent.data), JSON.stringify(shown.data));
    assert.deepEqual([sent.type, sent.team_id], [shown.type, team.id]);
    for (const { id, created_at: created } of [sent, shown]) {
      assert.match(id, /^evt_[a-z0-9]+$/);
      assert.match(created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    }
  });
}
