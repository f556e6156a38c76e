// Compute slots: engines that decode an utterance whole compute for long, so no more of them do at once than there are slots.
import test from 'node:test';
import assert from 'node:assert/strict';
import { withServer, fake } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { heard } from './lib/residue.mjs';
import { babble } from './lib/speech.mjs';
import { Settings, reload } from './lib/ops.mjs';
import { instanceOf, losses, signal } from './lib/faults.mjs';

const manual = { endpointing: 'manual' };
const whole = (more) => fake({ 'pool.en.engine': 'fake_whole', 'pool.en.max': 8, 'pool.en.warmup': '', 'pool.en.param.progress_ms': 5,
  'server.partial_interval_ms': 300, ...more });
const told = (c) => heard(c).map(({ cause, ...rest }) => rest); // whatever ended it
const compute = async (s) => (await s.status()).compute;
const idle = { held: 0, waiting: 0 };
const settled = (s) => s.until(async () => {
  const { held, waiting } = await compute(s);
  return held === idle.held && waiting === idle.waiting;
}, 'nobody computes and nobody waits');

async function talk(s, samples, fields = {}) {
  const c = await Client.start(s, { ...manual, ...fields });
  await c.event('ready');
  c.audio(samples);
  return c;
}

test('eight sessions on two slots: never more compute, all are heard, and nothing waits for ever', async () => {
  await withServer(whole({ 'server.compute_slots': 2, 'pool.en.param.decode_ms': 150 }), async (s) => {
    assert.deepEqual(await compute(s), { slots: 2, ...idle, partials_level: 0 });
    const alone = await Promise.all([1, 2].map((i) => dictate(s, babble(700, i), manual)));
    const all = await Promise.all(Array.from({ length: 8 }, (_, i) => talk(s, babble(700, 1 + (i % 2)))));
    for (const c of all) c.send({ type: 'commit' });
    let most = 0, queued = 0;
    while (all.some((c) => c.finals.length === 0)) {
      const { held, waiting } = await compute(s);
      most = Math.max(most, held);
      queued = Math.max(queued, waiting);
    }
    assert.equal(most, 2);
    assert.ok(queued >= 4, `${queued} waited`);
    for (const [i, c] of all.entries()) {
      await c.finish();
      assert.deepEqual(told(c), told(alone[i % 2]));
    }
    await settled(s);
    const m = await s.metrics();
    assert.deepEqual([m.compute_slots, m.compute_slots_held, m.compute_waiting], [2, 0, 0]);
  });
});

test('a final overtakes partials: the one in work is broken off, and comes later', async () => {
  // A partial of the long utterance computes for ten seconds at least, the final of the short one for a third of one.
  await withServer(whole({ 'server.compute_slots': 1, 'pool.en.param.decode_factor': 1, 'server.partial_interval_ms': 10000 }), async (s) => {
    const long = await talk(s, babble(25000, 1), { partials: true });
    await s.until(async () => (await compute(s)).held === 1, 'a partial is computed');
    const short = await talk(s, babble(300, 2));
    short.send({ type: 'commit' });
    await short.event('final');
    assert.equal(long.all('partial').length, 0);
    await s.until(async () => (await compute(s)).held === 1, 'the partial is computed again');
    await short.finish();
    long.close();
    await settled(s); // who leaves gives the slot back
  });
});

test('an utterance whose instance is killed while it computes is heard again, also with another one waiting', async () => {
  await withServer(whole({ 'server.compute_slots': 1, 'pool.en.param.decode_ms': 400 }), async (s) => {
    const alone = await dictate(s, babble(700, 1), manual);
    const [first, second] = [await talk(s, babble(700, 1)), await talk(s, babble(700, 1))];
    first.send({ type: 'commit' });
    await s.until(async () => (await compute(s)).held === 1, 'it is computed');
    second.send({ type: 'commit' });
    await s.until(async () => (await compute(s)).waiting === 1, 'another one waits');
    signal((await instanceOf(s, first)).pid, 'SIGKILL');
    await first.event('recovered');
    for (const c of [first, second]) {
      await c.finish();
      assert.deepEqual(told(c), told(alone));
    }
    await settled(s);
    const { lost, recovered, failed } = await losses(s);
    assert.deepEqual({ lost, recovered, failed }, { lost: 1, recovered: 1, failed: 0 });
  });
});

test('where the settings say nothing there are as many slots as the cores are good for', async () => {
  await withServer(whole(), async (s) => {
    const { slots } = await compute(s);
    assert.ok(slots >= 1);
    assert.equal((await s.metrics()).compute_slots, slots);
  });
});

test('more slots in the settings are there at SIGHUP, and who waits gets one', async () => {
  const settings = new Settings({ 'pool.en': { engine: 'fake_whole', max: 4, warmup: '', 'param.decode_factor': 5, 'param.progress_ms': 5 }, server: { compute_slots: 1 } });
  try {
    await withServer(['-c', settings.file], async (s) => {
      const all = [await talk(s, babble(6000, 1)), await talk(s, babble(6000, 2))];
      for (const c of all) c.send({ type: 'commit' });
      await s.until(async () => (await compute(s)).waiting === 1, 'one waits');
      settings.write({ 'pool.en': { engine: 'fake_whole', max: 4, warmup: '', 'param.decode_factor': 5, 'param.progress_ms': 5 }, server: { compute_slots: 3 } });
      await reload(s);
      await s.until(async () => (await compute(s)).held === 2, 'both compute');
      assert.equal((await compute(s)).slots, 3);
      for (const c of all) c.vanish();
      await settled(s);
    });
  } finally {
    settings.remove();
  }
});

test('an engine that streams needs no slot', async () => {
  await withServer(fake({ 'pool.en.max': 4, 'server.compute_slots': 1, 'pool.en.param.end_ms': 300 }), async (s) => {
    const all = await Promise.all([1, 2, 3, 4].map((i) => talk(s, babble(700, i))));
    for (const c of all) c.send({ type: 'commit' });
    for (const c of all) {
      await c.event('final');
      assert.deepEqual(await compute(s), { slots: 1, ...idle, partials_level: 0 });
      await c.finish();
    }
  });
});
