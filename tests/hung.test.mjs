// A host that stands still is found out, whether anybody asks for an instance or not, and is replaced; whoever is served goes on,
// whoever comes waits a moment, and nobody is refused. What stands still is stopped, or is a host made for the test
// (lib/fake_host.py) that does not answer in one way or another.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { fake, withServer } from './lib/server.mjs';
import { withFakeHost } from './lib/hosts.mjs';
import { deadline } from './lib/wait.mjs';
import { Client, dictate } from './lib/client.mjs';
import { onFakes } from './lib/fakes.mjs';
import { babble } from './lib/speech.mjs';
import { reload, Settings } from './lib/ops.mjs';
import { leavesBehind, signal, losses, none, trace } from './lib/faults.mjs';

const manual = { endpointing: 'manual' };
const sound = babble(900, 3);
const other = babble(700, 4);
const count = async (s, name) => (await s.metrics())[`pool_${name}_total{pool="en"}`];
const ready = (s) => s.until(async () => (await s.get('/readyz')).status === 200, 'the pool is ready');
const anotherHost = (s, before) => s.until(async () => ![0, before].includes((await s.pool()).host_pid), 'there is another host');

function commandLine(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it ended while we looked
  }
}

async function midUtterance(s) {
  const c = await Client.start(s, manual);
  await c.event('ready');
  c.audio(sound);
  await c.event('speech_start');
  await s.untilMetric('pool_utterances_begun_total{pool="en"}', 1);
  return c;
}

onFakes('hung-host: one that is stopped is replaced; clients wait a moment, nobody is refused, and who is heard is heard on', async (fake) => {
  await withServer(fake({ 'pool.en.max': 2, 'pool.en.spare': 1, 'pool.en.host_timeout_ms': 1000 }), async (s) => {
    const c = await midUtterance(s);
    const { host_pid: host } = await s.pool();
    signal(host, 'SIGSTOP');
    for (let n = 0; n < 4; n++) assert.notEqual((await dictate(s, sound, manual)).text, '');
    c.audio(other);
    c.send({ type: 'commit' });
    await c.finish();
    assert.deepEqual(c.all('error'), []);
    assert.equal(c.finals.length, 1);
    await anotherHost(s, host);
    await ready(s);
    await s.says(/host en: has not answered for host_timeout_ms 1000, killing it/);
    assert.deepEqual([await count(s, 'hosts_stuck'), await count(s, 'hosts_lost')], [1, 1]);
    assert.equal((await s.pool()).hosts_stuck, 1);
    assert.deepEqual(await losses(s), none);
  });
});

test('hung-host: one that is stopped while nobody asks for anything is found out too', async () => {
  await withServer(fake({ 'pool.en.host_timeout_ms': 200, 'pool.en.canary_interval_ms': 0, 'pool.en.param.load_ms': 300 }), async (s) => {
    const { host_pid: host } = await s.pool();
    signal(host, 'SIGSTOP');
    const page = await s.until(async () => {
      const r = await s.get('/readyz');
      return r.status === 503 && JSON.parse(r.body);
    }, 'the pool is not ready');
    assert.equal(page.pools.en, 'pool en: its host has not answered for host_timeout_ms 200');
    await anotherHost(s, host);
    await ready(s);
    assert.equal('failure' in (await s.pool()), false);
  });
});

test('hung-host: one that is stopped while it loads is found out as soon as any other', async () => {
  await withServer(fake({ 'pool.en.host_timeout_ms': 500, 'pool.en.param.load_ms': 3000 }), async (s) => {
    const { host_pid: host } = await s.until(async () => {
      const pool = await s.pool();
      return pool.host_pid > 0 && pool;
    }, 'it has begun to load');
    signal(host, 'SIGSTOP');
    assert.notEqual((await dictate(s, sound, manual)).text, '');
    await s.says(/host en: was stopped while it loaded, for host_timeout_ms 500, killing it/);
    assert.deepEqual([await count(s, 'hosts_stuck'), await count(s, 'hosts_lost')], [1, 1]);
  }, { ready: false });
});

test('hung-host: a server is left by a host that is stopped, and by what it was asked for', async () => {
  await withServer(fake({ 'pool.en.host_timeout_ms': 3600000 }), async (s) => {
    signal((await s.pool()).host_pid, 'SIGSTOP');
    await dictate(s, sound, manual); // another newborn is asked for, and does not come
  }, { sums: false });
});

const quick = { 'pool.en.host_timeout_ms': 200 };
for (const [what, wrong, settings, words, stuck] of [
  ['reads nothing', 'deaf', quick, /host en: has not answered for host_timeout_ms 200, killing it/, 1],
  ['stands still at the first thing it is asked', 'stalls', quick, /host en: has not answered for host_timeout_ms 200, killing it/, 1],
  ['answers pings but makes no instance', 'swallows', quick, /host en: has not answered for host_timeout_ms 200, killing it/, 1],
  ['loads for ever', 'never', { 'pool.en.load_timeout_ms': 3000 }, /host en: was not ready after load_timeout_ms 3000, killing it/, 1],
  ['answers what it was not asked', 'chatters', quick, /host en: sent PONG out of turn, killing it/, 0],
]) {
  test(`hung-host: one that ${what} is replaced, and who waits is served`, async () => {
    await withFakeHost(wrong, 1, settings, async (s) => {
      const c = await dictate(s, sound, manual);
      assert.deepEqual([c.finals.length, c.all('error')], [1, []]);
      await s.says(words);
      assert.equal(await count(s, 'hosts_stuck'), stuck);
      assert.equal(await count(s, 'hosts_lost'), 1);
    });
  });
}

for (const [what, wrong] of [['whose newborns all stand still', 'barren'], ['whose newborns all end before they are ready', 'stillborn']]) {
  test(`hung-host: one that answers and ${what} is replaced, and who waits is served`, async () => {
    await withFakeHost(wrong, 1, { 'pool.en.start_timeout_ms': 2000, 'pool.en.backoff_min_ms': 60000 }, async (s) => {
      const c = await dictate(s, sound, manual);
      assert.deepEqual([c.finals.length, c.all('error')], [1, []]);
      await s.says(/host en: made 3 instances in a row of which none was ready within start_timeout_ms 2000, killing it/);
      assert.deepEqual([await count(s, 'hosts_stuck'), await count(s, 'hosts_lost')], [1, 1]);
    });
  });
}

test('hung-host: one that dies again and again as soon as it is ready is started at longer and longer intervals', async () => {
  await withFakeHost('dies', 5, { 'pool.en.backoff_min_ms': 1, 'pool.en.backoff_max_ms': 600000 }, async (s) => {
    await ready(s);
    await dictate(s, sound, manual);
    assert.deepEqual([...s.log.matchAll(/host en: starting again in (\d+) ms/g)].map((m) => Number(m[1])), [0, 1, 2, 4, 8]);
    assert.equal(await count(s, 'hosts_lost'), 5);
  });
});

test('flooding-host: one that writes to its log without end costs some lines and no service, and the count of the others is told', async () => {
  await withFakeHost('floods', 1, { 'server.child_lines_max': 7 }, async (s) => {
    await s.until(async () => (await s.metrics()).child_lines_dropped_total > 100000, 'lines have been dropped');
    for (let n = 0; n < 50; n++) assert.equal((await s.get('/healthz')).status, 200);
    const { host_pid: host } = await s.pool();
    assert.equal(await count(s, 'hosts_stuck'), 0);
    signal(host, 'SIGKILL');
    for (const pid of s.processes()) if (commandLine(pid).includes('wrong=floods')) signal(pid, 'SIGKILL');
    await ready(s);
    await dictate(s, sound, manual);
    await s.says(/host en: wrote \d{5,} more lines, which are not logged: child_lines_max 7 in 10 s/);
    const shown = s.log.split('\n').filter((line) => line.includes('warn host en: n\u00e9n'));
    assert.ok(shown.length > 0 && shown.length % 7 === 0, `${shown.length} of its lines were logged`);
  });
});

test('hung-host: one that not even SIGKILL can end is replaced, and the server can leave', async (t) => {
  await withServer(fake({ 'pool.en.host_timeout_ms': 200, 'pool.en.kill_timeout_ms': 200 }), async (s) => {
    const c = await midUtterance(s);
    const { host_pid: host } = await s.pool();
    const tracer = await trace(host);
    try {
      if (tracer === null) {
        t.skip('a process may not be traced here');
        return;
      }
      signal(host, 'SIGSTOP');
      await s.says(/host en: process \d+ has not ended within kill_timeout_ms 200 after it was killed, going on without it/);
      await anotherHost(s, host);
      c.audio(other);
      c.send({ type: 'commit' });
      await c.finish();
      assert.equal(c.finals.length, 1);
      await dictate(s, sound, manual);
      await s.checkSums(); // the instance that it had borne has gone as well
      s.child.kill('SIGTERM');
      assert.deepEqual(await deadline(s.left, () => `the server to leave: ${s.log}`), { code: 0, signal: null });
      assert.ok(fs.existsSync(`/proc/${host}`));
    } finally {
      tracer?.kill('SIGKILL');
    }
  }, { sums: false, env: leavesBehind });
});

test('hung-host: an instance that not even SIGKILL can end does not keep the server', async (t) => {
  await withServer(fake({ 'pool.en.kill_timeout_ms': 300 }), async (s) => {
    const { pid } = await s.until(async () => (await s.pool()).instances.find((i) => i.state === 'idle'), 'an instance waits');
    const tracer = await trace(pid);
    try {
      if (tracer === null) {
        t.skip('a process may not be traced here');
        return;
      }
      s.child.kill('SIGTERM');
      assert.deepEqual(await deadline(s.left, () => `the server to leave: ${s.log}`), { code: 0, signal: null });
    } finally {
      tracer?.kill('SIGKILL');
    }
  }, { sums: false });
});

test('hung-host: one that loads the model anew and stands still is given up, and the old one serves on', async () => {
  const pool = (more) => ({ 'pool.en': { engine: 'fake', max: 2, load_timeout_ms: 1000, ...more } });
  const settings = new Settings(pool());
  try {
    await withServer(['-c', settings.file], async (s) => {
      const { host_pid: host } = await s.pool();
      settings.write(pool({ 'param.load_ms': 600000 }));
      await reload(s);
      const coming = await s.until(() => s.processes().find((pid) => commandLine(pid).includes('600000')), 'another host is loading');
      signal(coming, 'SIGSTOP');
      await s.until(async () => (await s.pool()).reload_failure === 'its host was not ready after load_timeout_ms 1000', 'it has been given up');
      const { host_pid, reloading, state } = await s.pool();
      assert.deepEqual({ host_pid, reloading, state }, { host_pid: host, reloading: false, state: 'ready' });
      assert.equal(await count(s, 'hosts_stuck'), 1);
      assert.equal((await dictate(s, sound, manual)).finals.length, 1);
    });
  } finally {
    settings.remove();
  }
});
