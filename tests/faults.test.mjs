// Processes die, hang and talk garbage; the server serves on, and says what happened.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { Server, withServer, fake, set, signal } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { onFakes } from './lib/fakes.mjs';
import { babble, fault, join } from './lib/speech.mjs';
import { until } from './lib/wait.mjs';

const sound = babble(800);
const other = babble(800, 3);
const manual = { endpointing: 'manual' };

const instances = async (s, state) => (await s.pool()).instances.filter((i) => i.state === state);
async function instanceIn(s, state) {
  await s.until(async () => (await instances(s, state)).some((i) => i.pid > 0), `an instance is ${state}`);
  return (await instances(s, state)).find((i) => i.pid > 0);
}
const kill = (pid) => signal(pid, 'SIGKILL');
const gone = (s, i) => s.until(async () => !(await s.pool()).instances.some((x) => x.id === i.id), `instance ${i.id} is gone`);

// A session, its place taken, that has said something and not ended it.
async function midUtterance(s) {
  const c = await Client.start(s, manual);
  await c.event('ready');
  c.audio(sound);
  await c.event('speech_start');
  await s.until(async () => (await instanceIn(s, 'leased')).uses === 1, 'the utterance has begun');
  return c;
}

onFakes('an idle instance that is killed is replaced', async (fake) => {
  await withServer(fake(), async (s) => {
    const i = await instanceIn(s, 'idle');
    kill(i.pid);
    await gone(s, i);
    await instanceIn(s, 'idle');
    assert.equal((await s.metrics())['pool_instances_lost_total{pool="en"}'], 1);
    assert.notEqual((await dictate(s, sound, manual)).text, '');
  });
});

onFakes('an instance that is killed between two utterances costs no word', async (fake) => {
  await withServer(fake(), async (s) => {
    const expected = (await dictate(s, sound, manual)).text;
    const c = await Client.start(s, manual);
    await c.event('ready');
    const i = await instanceIn(s, 'leased');
    kill(i.pid);
    await gone(s, i);
    c.audio(sound);
    await c.finish();
    assert.equal(c.text, expected);
    assert.equal(c.all('error').length, 0);
  });
});

onFakes('an instance that is killed in an utterance costs no word: another one hears all of it', async (fake) => {
  await withServer(fake(), async (s) => {
    const twice = join(sound, other);
    const undisturbed = (await dictate(s, twice, manual)).finals.map(({ instance, ...f }) => f);
    const c = await midUtterance(s);
    const i = await instanceIn(s, 'leased');
    kill(i.pid);
    assert.equal((await c.event('recovered')).utterance, 1);
    c.audio(other);
    await c.finish();
    assert.deepEqual(c.finals.map(({ instance, ...f }) => f), undisturbed);
    assert.equal(c.all('error').length, 0);
    assert.notEqual(c.finals[0].instance, i.id);
    const m = await s.metrics();
    assert.deepEqual([m.utterances_lost_total, m.utterances_recovered_total, m.utterances_failed_total, m.utterances_done_total], [1, 1, 0, 2]);
    await s.says(new RegExp(`instance en/${i.id} was killed by signal 9`));
  });
});

onFakes('an utterance that utterance_losses_max instances were lost to ends with an error, and the session goes on', async (fake) => {
  await withServer(fake({ 'server.utterance_losses_max': 3 }), async (s) => {
    const expected = (await dictate(s, other, manual)).text;
    const c = await midUtterance(s);
    const first = await instanceIn(s, 'leased');
    kill(first.pid);
    await c.event('recovered');
    await s.until(async () => { // each that takes it up
      for (const i of await instances(s, 'leased')) if (i.pid > 0) kill(i.pid);
      return c.all('error').length > 0;
    }, 'the utterance ends with an error');
    const error = await c.event('error');
    assert.deepEqual({ utterance: error.utterance, code: error.code }, { utterance: 1, code: 'peer' });
    assert.match(error.message, /^3 instances were lost to this utterance \(utterance_losses_max 3\), the last because: instance en\/\d+ was killed by signal 9 \(Killed\)$/);
    c.audio(sound);
    c.send({ type: 'commit' });
    c.audio(other);
    await c.finish();
    assert.deepEqual(c.finals.map((f) => [f.utterance, f.text]), [[2, expected]]);
    const m = await s.metrics();
    assert.deepEqual([m.utterances_poisonous_total, m.utterances_given_up_total, m.utterances_failed_total], [0, 1, 1]);
  });
});

onFakes('a host that is killed leaves its leased instance at work and is started again', async (fake) => {
  await withServer(fake(), async (s) => {
    const expected = (await dictate(s, sound, manual)).text;
    const c = await midUtterance(s);
    const before = (await s.pool()).host_pid;
    kill(before);
    await s.until(async () => (await s.pool()).host_pid > 0 && (await s.pool()).host_pid !== before, 'there is another host');
    await c.finish();
    assert.equal(c.text, expected);
    await s.until(async () => (await s.get('/readyz')).status === 200, 'the pool is ready again');
    assert.equal((await dictate(s, sound, manual)).text, expected);
  });
});

onFakes('a host and all its instances that are killed at once are replaced', async (fake) => {
  await withServer(fake(), async (s) => {
    const c = await midUtterance(s);
    const pool = await s.pool();
    for (const pid of [pool.host_pid, ...pool.instances.map((i) => i.pid)]) if (pid > 0) kill(pid);
    assert.equal((await c.event('recovered')).utterance, 1);
    c.send({ type: 'commit' });
    c.audio(other);
    await c.finish();
    assert.equal(c.finals.length, 2);
    for (const i of pool.instances) await gone(s, i);
  });
});

for (const [what, words] of [
  ['crash', /: instance en\/\d+ was killed by signal 11 \(Segmentation fault\)$/],
  ['exit', /: instance en\/\d+ ended with status 3$/],
  ['garbage', /: instance en\/\d+ spoke garbage: /],
  ['fail', /./],
]) {
  onFakes(`an engine's ${what} is one session's trouble only`, async (fake) => {
    await withServer(fake(), async (s) => {
      const alone = (await dictate(s, other, manual)).finals.map((f) => f.words);
      const neighbour = await Client.start(s, manual);
      await neighbour.event('ready');
      neighbour.audio(other.subarray(0, 6400));
      const c = await Client.start(s, manual);
      c.audio(join(sound, fault(what, 'audio', 3), sound));
      const error = await c.event('error');
      assert.equal(error.utterance, 1);
      assert.match(error.message, words);
      neighbour.audio(other.subarray(6400));
      await neighbour.finish();
      assert.deepEqual(neighbour.finals.map((f) => f.words), alone);
      c.send({ type: 'commit' });
      c.audio(other);
      await c.finish();
      assert.deepEqual(c.finals.map((f) => f.text), [neighbour.text]);
    });
  });
}

onFakes('what an instance writes to its stderr is in the log with its id', async (fake) => {
  await withServer(fake(), async (s) => {
    const c = await Client.start(s, manual);
    c.audio(join(sound, fault('garbage'), sound));
    await c.event('error');
    await c.finish();
    await s.says(/warn instance en\/\d+ spoke garbage/);
  });
});

test('a model that is not there fails its pool, with the path, and no other', async () => {
  const settings = { 'pool.en.engine': 'fake', 'pool.bad.engine': 'pocketsphinx', 'pool.bad.model': '/no/such/model' };
  await withServer(set(settings), async (s) => {
    await s.until(async () => (await s.pool('bad')).state === 'failed', 'the pool has failed');
    assert.match((await s.pool('bad')).failure, /^pool bad: .*\/no\/such\/model/);
    const ready = await s.get('/readyz');
    assert.equal(ready.status, 200); // the other one serves
    assert.match(JSON.parse(ready.body).pools.bad, /\/no\/such\/model/);
    const c = await Client.start(s, { pool: 'bad' });
    assert.equal((await c.end()).code, 1011);
    assert.match((await c.event('error')).message, /\/no\/such\/model/);
    assert.notEqual((await dictate(s, sound, { ...manual, pool: 'en' })).text, '');
    await s.says(/error host bad: .*\/no\/such\/model/);
  });
});

test('a server none of whose pools has a model is healthy but not ready', async () => {
  await withServer(fake({ 'pool.en.param.load_fail': 'no luck' }), async (s) => {
    await s.until(async () => (await s.pool()).state === 'failed', 'the pool has failed');
    const ready = await s.get('/readyz');
    assert.equal(ready.status, 503);
    assert.match(JSON.parse(ready.body).pools.en, /no luck/);
    assert.equal((await s.get('/healthz')).status, 200);
  }, { ready: false });
});

test('an engine that is not there is named together with those that are', async () => {
  await withServer(set({ 'pool.en.engine': 'julius' }), async (s) => {
    await s.until(async () => (await s.pool()).state === 'failed', 'the pool has failed');
    assert.match((await s.pool()).failure, /julius.*fake/);
  }, { ready: false });
});

onFakes('SIGTERM tells every client and leaves no process', async (fake) => {
  const s = await Server.start(fake({ 'pool.en.max': 1, 'server.drain_timeout_ms': 0 }));
  const speaking = await midUtterance(s);
  const waiting = await Client.start(s);
  await waiting.event('queued');
  const stopped = s.stop({ sums: false });
  for (const c of [speaking, waiting]) {
    assert.equal((await c.end()).code, 1012);
    assert.match(c.all('error').at(-1).message, /shutting down/);
  }
  await stopped;
});

onFakes('a second SIGTERM does not wait for a client that does not close', async (fake) => {
  const s = await Server.start(fake({ 'server.linger_timeout_ms': 60000 }));
  const c = await midUtterance(s);
  c.socket.pause();
  s.child.kill('SIGTERM');
  await s.says(/draining: 1 sessions/);
  await s.stop({ sums: false });
  c.socket.destroy();
});

// Gone, or a zombie that nobody has asked after.
function hasEnded(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1][0] === 'Z';
  } catch {
    return true;
  }
}

onFakes('when the server is killed its hosts and instances end by themselves', async (fake) => {
  const s = await Server.start(fake());
  const c = await midUtterance(s);
  const family = s.processes();
  assert.ok(family.length >= 2);
  kill(s.child.pid);
  await s.exited;
  await until(() => family.every(hasEnded), `none of ${family} is left`);
  c.socket.destroy();
  fs.rmSync(s.dir, { recursive: true });
});
