// Instances are replaced by policy, the successor first, and nobody who speaks notices.
import test from 'node:test';
import assert from 'node:assert/strict';
import { withServer, fake } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { babble } from './lib/speech.mjs';

const manual = { endpointing: 'manual' };
const reused = (more) => fake({ 'pool.en.refresh': 'reset', 'pool.en.spare': 0, ...more });
const count = async (s, name) => (await s.metrics())[`pool_instances_${name}_total{pool="en"}`];

test('max_uses: an instance hears so many clients, the next one gets its successor', async () => {
  await withServer(reused({ 'pool.en.max': 1, 'pool.en.max_uses': 2 }), async (s) => {
    const heard = [];
    for (let i = 0; i < 5; i++) heard.push((await dictate(s, babble(500), manual)).finals[0].instance);
    assert.deepEqual([heard[0] === heard[1], heard[1] === heard[2], heard[2] === heard[3], heard[3] === heard[4]], [true, false, true, false]);
    assert.equal(await count(s, 'worn'), 2);
  });
});

test('max_age_ms: idle instances are replaced, and there is one at every moment', async () => {
  await withServer(fake({ 'pool.en.min': 2, 'pool.en.max': 2, 'pool.en.max_age_ms': 200 }), async (s) => {
    await s.until(async () => (await s.pool()).counts.idle === 2, 'the first two are there');
    await s.until(async () => {
      const { idle, leased } = (await s.pool()).counts;
      assert.ok(idle + leased >= 2, `${idle} idle, ${leased} leased`);
      return (await count(s, 'worn')) >= 6;
    }, 'six were replaced');
    assert.equal(await count(s, 'lost'), 0);
    assert.notEqual((await dictate(s, babble(500), manual)).text, '');
  });
});

test('max_age_ms: an instance that is at work is left alone until its final', async () => {
  await withServer(fake({ 'pool.en.max': 1, 'pool.en.max_age_ms': 100 }), async (s) => {
    const c = await Client.start(s, manual);
    c.audio(babble(500));
    await c.event('speech_start');
    await s.until(async () => (await count(s, 'worn')) >= 3, 'others were replaced meanwhile');
    c.audio(babble(500));
    assert.equal((await c.finish()).length, 1);
    assert.equal(c.all('recovered').length, 0);
  });
});

test('idle_ttl_ms: instances that were needed once and are not any more go', async () => {
  await withServer(reused({ 'pool.en.max': 4, 'pool.en.min': 1, 'pool.en.idle_ttl_ms': 200 }), async (s) => {
    const clients = await Promise.all(Array.from({ length: 4 }, () => Client.start(s, manual)));
    for (const c of clients) await c.event('ready');
    for (const c of clients) c.audio(babble(400));
    await Promise.all(clients.map((c) => c.finish()));
    await s.until(async () => (await s.pool()).instances.length === 1, 'one is left');
    assert.equal(await count(s, 'surplus'), 3);
    assert.equal(await count(s, 'lost'), 0);
  });
});

test('idle_ttl_ms = 0: they stay', async () => {
  await withServer(reused({ 'pool.en.max': 3, 'pool.en.min': 1, 'pool.en.idle_ttl_ms': 0 }), async (s) => {
    const clients = await Promise.all(Array.from({ length: 3 }, () => Client.start(s, manual)));
    for (const c of clients) await c.event('ready');
    for (const c of clients) c.audio(babble(400));
    await Promise.all(clients.map((c) => c.finish()));
    await s.until(async () => (await s.pool()).counts.idle === 3, 'all are idle');
    await dictate(s, babble(500), manual);
    assert.equal((await s.pool()).instances.length, 3);
    assert.equal(await count(s, 'surplus'), 0);
  });
});
