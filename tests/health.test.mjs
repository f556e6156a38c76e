// Health that proves decoding: a canary when nobody speaks, and what is said when instances stand still.
import test from 'node:test';
import assert from 'node:assert/strict';
import { withServer, fake, set, signal } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { instanceOf } from './lib/faults.mjs';
import { babble } from './lib/speech.mjs';

const manual = { endpointing: 'manual' };
const ready = async (s) => (await s.get('/readyz')).status === 200;
const signalAll = (s, name) => s.processes().forEach((pid) => signal(pid, name));
const heard = (finals) => finals.map(({ instance, ...f }) => f);

test('an idle pool shows now and then that it decodes, and counts it apart from what clients say', async () => {
  await withServer(fake({ 'pool.en.canary_interval_ms': 50 }), async (s) => {
    await s.until(async () => (await s.metrics())['pool_canaries_total{pool="en"}'] >= 3, 'three canaries sang');
    const m = await s.metrics();
    assert.deepEqual([m['pool_utterances_begun_total{pool="en"}'], m['pool_leases_granted_total{pool="en"}']], [0, 0]);
    await s.until(() => ready(s), 'the last one was lately');
  });
});

test('canary_interval_ms = 0: none sings', async () => {
  await withServer(fake({ 'pool.en.canary_interval_ms': 0 }), async (s) => {
    await dictate(s, babble(500));
    assert.equal((await s.metrics())['pool_canaries_total{pool="en"}'], 0);
  });
});

test('an engine that is no fake decodes the canary too', async () => {
  await withServer(set({ 'pool.en.canary_interval_ms': 100 }), async (s) => {
    await s.until(async () => (await s.metrics())['pool_canaries_total{pool="en"}'] >= 2, 'two canaries sang');
    assert.equal((await s.metrics())['pool_canaries_lost_total{pool="en"}'], 0);
  });
});

test('no client waits behind the canary', async () => {
  await withServer(fake({ 'pool.en.max': 1, 'pool.en.canary_interval_ms': 20 }), async (s) => {
    const want = heard((await dictate(s, babble(700), manual)).finals);
    for (let i = 0; i < 10; i++) assert.deepEqual(heard((await dictate(s, babble(700), manual)).finals), want);
  });
});

test('when all instances stand still: pings are answered, /readyz says so, and nothing is lost when they go on', async () => {
  const patient = { 'pool.en.begin_timeout_ms': 600000, 'pool.en.final_timeout_ms': 600000, 'pool.en.host_timeout_ms': 600000, 'pool.en.canary_interval_ms': 100 };
  await withServer(fake(patient), async (s) => {
    const sound = babble(900);
    const alone = heard((await dictate(s, sound, manual)).finals);
    const c = await Client.start(s, manual);
    c.audio(sound.subarray(0, 8000));
    await c.event('speech_start');
    signalAll(s, 'SIGSTOP');
    await s.until(async () => !(await ready(s)), '/readyz is false');
    assert.match(JSON.parse((await s.get('/readyz')).body).pools.en, /unproven/);
    assert.equal((await s.get('/healthz')).status, 200);
    c.ping();
    await c.until(() => c.pongs === 1, 'the pong');
    c.audio(sound.subarray(8000));
    signalAll(s, 'SIGCONT');
    assert.deepEqual(heard(await c.finish()), alone);
    assert.equal(c.all('recovered').length, 0);
    await s.until(() => ready(s), '/readyz is true again');
  });
});

test('instances that stand still for too long are replaced, and nothing is lost', async () => {
  await withServer(fake({ 'pool.en.begin_timeout_ms': 1000, 'pool.en.final_timeout_ms': 3000, 'pool.en.canary_interval_ms': 100 }), async (s) => {
    const sound = babble(900);
    const alone = heard((await dictate(s, sound, manual)).finals);
    const c = await Client.start(s, manual);
    c.audio(sound.subarray(0, 8000));
    await c.event('speech_start');
    await instanceOf(s, c); // the client speaks to none until one is born
    for (const { pid, state } of (await s.pool()).instances) {
      if (state === 'leased' || state === 'idle') signal(pid, 'SIGSTOP'); // a canary's may be gone
    }
    c.audio(sound.subarray(8000));
    await c.event('recovered');
    assert.deepEqual(heard(await c.finish()), alone);
    assert.ok((await s.metrics())['pool_instances_stuck_total{pool="en"}'] >= 1);
    await s.until(() => ready(s), '/readyz is true again');
  });
});
