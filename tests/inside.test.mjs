// Instances need not be processes: a host may have them inside, with a socket each, and nothing else to reach them by.
import test from 'node:test';
import assert from 'node:assert/strict';
import { Client, dictate } from './lib/client.mjs';
import { babble } from './lib/speech.mjs';
import { signal } from './lib/faults.mjs';
import { withFakeHost } from './lib/hosts.mjs';

const manual = { endpointing: 'manual' };
const sound = babble(900, 3);
const ready = (s) => s.until(async () => (await s.get('/readyz')).status === 200, 'the pool is ready');

test('instances inside of the host are lent, hear, and are replaced like any others', async () => {
  await withFakeHost('inside', 1, {}, async (s) => {
    await ready(s);
    for (let n = 0; n < 3; n++) {
      const c = await dictate(s, sound, manual);
      assert.deepEqual([c.text, c.all('error')], ['heard inside', []]);
    }
    const { ended } = (await s.checkSums()).sums.instances;
    assert.ok(ended >= 3);
  });
});

test('one that hangs is killed through its socket, and its utterance is heard by another', async () => {
  await withFakeHost('inside-hangs', 1, { 'pool.en.final_timeout_ms': 300, 'pool.en.slowest_factor': 1 }, async (s) => {
    await ready(s);
    const { host_pid } = await s.pool();
    const c = await dictate(s, sound, manual);
    assert.deepEqual([c.text, c.all('error'), c.all('recovered').length], ['heard inside', [], 1]);
    await s.untilMetric('pool_instances_stuck_total{pool="en"}', 1);
    await s.checkSums();
    assert.equal((await s.pool()).host_pid, host_pid);
  });
});

test('when their host is killed they are gone with it, and the next one has others', async () => {
  await withFakeHost('inside', 1, { 'pool.en.backoff_min_ms': 1 }, async (s) => {
    await ready(s);
    const c = await Client.start(s, manual);
    await c.event('ready');
    c.audio(sound);
    await c.event('speech_start');
    await s.untilMetric('pool_utterances_begun_total{pool="en"}', 1);
    signal((await s.pool()).host_pid, 'SIGKILL');
    await c.event('recovered');
    await c.finish();
    assert.equal(c.finals.length, 1);
    assert.notEqual(c.text, 'heard inside'); // by the real host, which came after it
    await s.checkSums();
  });
});
