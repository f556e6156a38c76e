// SIGTERM: nobody new is let in, utterances that have begun come to their finals, and then the server leaves.
import test from 'node:test';
import assert from 'node:assert/strict';
import { Server, fake } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { fault, join } from './lib/speech.mjs';
import { sound, manual, midUtterance, terminate, toldToMove, leftWell } from './lib/ops.mjs';

// A server that is told to end by the test itself; nothing of it may be left.
async function withLeaving(settings, body) {
  const s = await Server.start(fake(settings));
  try {
    await body(s);
    await leftWell(s);
  } catch (e) {
    s.abandon();
    e.message += `\n--- the server's log ---\n${s.log}`;
    throw e;
  }
  await s.stop({ sums: false });
}

test('an open utterance comes to its final, then the client is told to move', async () => {
  await withLeaving({}, async (s) => {
    const expected = (await dictate(s, sound, manual)).text;
    const c = await midUtterance(s);
    terminate(s);
    await s.says(/draining: 1 sessions are open and have drain_timeout_ms 30000/);
    c.send({ type: 'commit' });
    await toldToMove(c);
    assert.equal(c.text, expected);
    await leftWell(s);
    await s.says(/leaving with no session open/);
  });
});

test('a client that has said stop gets all its finals and done', async () => {
  await withLeaving({ 'pool.en.param.end_ms': 300 }, async (s) => {
    const expected = (await dictate(s, sound, manual)).text;
    const c = await midUtterance(s);
    c.send({ type: 'stop' });
    await c.event('speech_end');
    terminate(s);
    assert.equal((await c.end()).code, 1000);
    assert.equal(c.text, expected);
    assert.equal(c.events.at(-1).type, 'done');
  });
});

test('while it drains it answers: readyz and new clients 503, health, metrics and status 200', async () => {
  await withLeaving({ 'server.drain_retry_after_ms': 2500 }, async (s) => {
    const c = await midUtterance(s);
    terminate(s);
    const ready = await s.until(async () => {
      const r = await s.get('/readyz');
      return r.status === 503 && r;
    }, 'readyz is 503');
    assert.deepEqual([JSON.parse(ready.body).ready, JSON.parse(ready.body).state], [false, 'draining']);
    const refused = await Client.open(s).then(() => assert.fail('a new client was let in'), (e) => e);
    assert.equal(refused.status, 503, refused.message);
    assert.match(refused.head, /^Retry-After: 3\r?$/m);
    assert.deepEqual(JSON.parse(refused.body).error,
      { code: 'restarting', message: 'the server is shutting down', retry_after_ms: 2500 });
    assert.equal((await s.get('/healthz')).status, 200);
    assert.equal((await s.status()).state, 'draining');
    const m = await s.metrics();
    assert.equal(m.sessions, 1);
    assert.equal(m.sessions_refused_total, 1);
    c.send({ type: 'commit' });
    await toldToMove(c, { retryAfterMs: 2500 });
    assert.equal(c.finals.length, 1);
  });
});

test('clients that have not begun to speak, that wait, or that have not said start are told at once', async () => {
  await withLeaving({ 'pool.en.max': 2 }, async (s) => {
    const speaking = await midUtterance(s);
    const silent = await Client.start(s, manual);
    await silent.event('ready');
    const waiting = await Client.start(s, manual);
    await waiting.event('queued');
    const mute = await Client.open(s);
    terminate(s);
    for (const c of [silent, waiting, mute]) await toldToMove(c);
    await s.untilMetric('sessions', 1);
    assert.equal((await s.metrics()).sessions_moved_total, 2);
    speaking.send({ type: 'commit' });
    await toldToMove(speaking);
  });
});

for (const [timeout, when] of [[300, 'at drain_timeout_ms'], [0, 'at once with drain_timeout_ms 0']]) {
  test(`an utterance that does not end is cut where it stands, ${when}, and gets its final`, async () => {
    await withLeaving({ 'server.drain_timeout_ms': timeout }, async (s) => {
      const expected = (await dictate(s, sound, manual)).text;
      const c = await midUtterance(s);
      terminate(s);
      await toldToMove(c);
      assert.equal(c.text, expected);
      await s.says(/drain_timeout_ms \d+ is over: 1 sessions are cut/);
    });
  });
}

test('an utterance whose final does not come within cut_timeout_ms is given up, and its client told', async () => {
  const settings = { 'server.drain_timeout_ms': 100, 'server.cut_timeout_ms': 100, 'server.drain_retry_after_ms': 700 };
  await withLeaving(settings, async (s) => {
    const c = await Client.start(s, manual);
    c.audio(join(sound, fault('hang'), sound));
    await c.event('speech_start');
    terminate(s);
    await toldToMove(c, { retryAfterMs: 700 });
    assert.equal(c.finals.length, 0);
    await leftWell(s);
    await s.says(/leaving with 1 sessions open/);
  });
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`a second signal, ${signal}, leaves at once`, async () => {
    await withLeaving({ 'server.linger_timeout_ms': 60000 }, async (s) => {
      const c = await midUtterance(s);
      c.socket.pause();
      terminate(s);
      await s.says(/draining: 1 sessions/);
      s.child.kill(signal);
      await leftWell(s);
      await s.says(new RegExp(`${signal} again, leaving at once`));
      c.socket.destroy();
    });
  });
}
