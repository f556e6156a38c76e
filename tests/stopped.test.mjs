// All recognisers stand still: the server does not. Whoever is connected stays so, and every word is heard in the end, whether
// they go on by themselves or have to be replaced.
import test from 'node:test';
import assert from 'node:assert/strict';
import { withServer, fake } from './lib/server.mjs';
import { Client } from './lib/client.mjs';
import { heard } from './lib/residue.mjs';
import { babble } from './lib/speech.mjs';
import { signal, losses, none, assertUndisturbed } from './lib/faults.mjs';

const CLIENTS = 4;
const PINGS = 50;
const sounds = (n) => [babble(800, n), babble(600, n + 10)];
const settings = (timeout) => fake({ 'pool.en.max': CLIENTS, 'pool.en.begin_timeout_ms': timeout, 'pool.en.final_timeout_ms': timeout, 'pool.en.slowest_factor': 1 });

const start = (s) => Promise.all(Array.from({ length: CLIENTS }, async () => {
  const c = await Client.start(s, { endpointing: 'manual' });
  await c.event('ready');
  return c;
}));
const openAll = async (s, clients) => {
  for (const [n, c] of clients.entries()) c.audio(sounds(n)[0]);
  await s.untilMetric('pool_utterances_begun_total{pool="en"}', CLIENTS);
};
const closeAll = (clients) => Promise.all(clients.map(async (c, n) => {
  c.send({ type: 'commit' });
  await c.event('final', 0);
  c.audio(sounds(n)[1]);
  await c.finish();
}));

// Time passes in round trips: each is an answer of the server to something asked after the last one.
async function pings(clients) {
  for (let i = 1; i <= PINGS; i++) {
    for (const c of clients) c.ping();
    await Promise.all(clients.map((c) => c.until(() => c.pongs >= i, `pong ${i}`)));
  }
}

let known;
async function undisturbed() {
  if (!known) {
    await withServer(settings(60000), async (s) => {
      const clients = await start(s);
      await openAll(s, clients);
      await closeAll(clients);
      known = clients.map(heard);
    });
  }
  return known;
}

async function stopAll(s) {
  const { instances } = await s.pool();
  const pids = instances.map((i) => i.pid).filter((pid) => pid > 0);
  for (const pid of pids) signal(pid, 'SIGSTOP');
  return pids;
}

test('stopped and continued: sockets stay up, pings are answered, new clients are let in, and nothing is lost', async () => {
  const expected = await undisturbed();
  await withServer(settings(60000), async (s) => {
    const clients = await start(s);
    await openAll(s, clients);
    const pids = await stopAll(s);
    for (const c of clients) c.send({ type: 'commit' });
    await pings(clients);
    const waiting = await Client.start(s);
    assert.equal((await waiting.event('queued')).position, 1);
    waiting.close();
    assert.equal((await s.get('/healthz')).status, 200);
    assert.ok(clients.every((c) => c.finals.length === 0 && !c.closed));
    for (const pid of pids) signal(pid, 'SIGCONT');
    await Promise.all(clients.map(async (c, n) => {
      await c.event('final', 0);
      c.audio(sounds(n)[1]);
      await c.finish();
      assertUndisturbed(c, expected[n]);
    }));
    assert.deepEqual(await losses(s), none);
  });
});

test('stopped for good: each is found out and replaced, and nothing is lost', async () => {
  const expected = await undisturbed();
  await withServer(settings(1500), async (s) => {
    const clients = await start(s);
    await openAll(s, clients);
    await s.until(async () => (await s.pool()).instances.every((i) => i.state === 'leased' || i.state === 'idle'), 'all are born');
    // Of those that wait for others none may be stopped, or an utterance would lose two.
    const { instances } = await s.pool();
    for (const i of instances.filter((x) => x.state === 'leased')) signal(i.pid, 'SIGSTOP');
    const ended = closeAll(clients);
    await pings(clients);
    await ended;
    clients.forEach((c, n) => assertUndisturbed(c, expected[n]));
    const { stuck, utterances, recovered, failed } = await losses(s);
    assert.deepEqual({ stuck, utterances, recovered, failed }, { stuck: CLIENTS, utterances: CLIENTS, recovered: CLIENTS, failed: 0 });
  });
});
