// More clients than instances: a place is lent for an utterance at a time, and nobody notices but by waiting.
import test from 'node:test';
import assert from 'node:assert/strict';
import { withServer, fake, set } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { babble, sentences, speak } from './lib/speech.mjs';

const manual = { endpointing: 'manual' };
const shared = (more = {}) => fake({ 'pool.en.lease': 'utterance', 'pool.en.max': 2, ...more });
const heard = (finals) => finals.map(({ instance, ...f }) => f);

// A session of `sounds`, a commit behind each; all are sent before the first is understood.
async function talk(s, sounds, fields = manual) {
  const c = await Client.start(s, fields);
  await c.event('ready');
  for (const sound of sounds) {
    c.audio(sound);
    c.send({ type: 'commit' });
  }
  await c.finish();
  return c;
}

test('twelve clients on two instances are all ready at once, and each is heard as if alone', async () => {
  await withServer(shared(), async (s) => {
    const speeches = Array.from({ length: 12 }, (_, i) => [1, 2, 3].map((k) => babble(300 + 100 * k, 10 * i + k)));
    const alone = [];
    for (const sounds of speeches) alone.push(heard((await talk(s, sounds)).finals));
    const clients = await Promise.all(speeches.map(() => Client.start(s, manual)));
    for (const c of clients) await c.event('ready');
    assert.equal((await s.pool()).counts.places_taken, 0);
    clients.forEach((c, i) => speeches[i].forEach((sound) => {
      c.audio(sound);
      c.send({ type: 'commit' });
    }));
    await Promise.all(clients.map((c) => c.finish()));
    clients.forEach((c, i) => assert.deepEqual(heard(c.finals), alone[i]));
    assert.ok(clients.every((c) => c.all('queued').length === 0));
    const m = await s.metrics();
    assert.equal(m['pool_leases_granted_total{pool="en"}'], 2 * 36);
    assert.equal(m['pool_utterances_ended_total{pool="en"}'], 2 * 36);
  });
});

test('PocketSphinx: what is learnt of a speaker travels with the session from instance to instance', async () => {
  const clips = [sentences[0], 'what time is it', sentences[1]].map((w) => speak(w).samples);
  const other = [sentences[1], sentences[0]].map((w) => speak(w).samples);
  const one = set({ 'pool.en.engine': 'pocketsphinx', 'pool.en.lease': 'utterance', 'pool.en.max': 1 });
  await withServer(one, async (s) => {
    const alone = heard((await talk(s, clips)).finals);
    const [c, d] = await Promise.all([talk(s, clips), talk(s, other)]);
    assert.deepEqual(heard(c.finals), alone);
    assert.ok(d.finals.every((f) => f.text.length > 0));
    assert.notDeepEqual(heard((await talk(s, [clips[2]])).finals)[0].words, alone[2].words);
  });
});

test('refresh = reset: one instance hears many sessions in turn, without residue', async () => {
  await withServer(shared({ 'pool.en.max': 1, 'pool.en.spare': 0, 'pool.en.refresh': 'reset' }), async (s) => {
    const sounds = [babble(500, 1), babble(700, 2)];
    const [a, b] = await Promise.all([talk(s, sounds), talk(s, sounds)]);
    assert.deepEqual(heard(a.finals), heard(b.finals));
    assert.equal(new Set([...a.finals, ...b.finals].map((f) => f.instance)).size, 1);
  });
});

test('a speaker waits for no more than the utterance at work when another one floods the pool', async () => {
  await withServer(shared({ 'pool.en.max': 1, 'pool.en.param.end_ms': 60 }), async (s) => {
    const flood = await Promise.all(Array.from({ length: 20 }, () => Client.start(s, manual)));
    const one = await Client.start(s, manual, { localAddress: '127.0.0.2' });
    for (const c of [...flood, one]) await c.event('ready');
    for (const c of flood) {
      for (let i = 0; i < 3; i++) {
        c.audio(babble(400, i));
        c.send({ type: 'commit' });
      }
      c.send({ type: 'stop' });
    }
    await s.until(async () => (await s.metrics())['pool_queue_length{pool="en"}'] >= 8, 'many wait');
    one.audio(babble(400));
    one.send({ type: 'commit' });
    await one.event('speech_end');
    const before = (await s.metrics()).utterances_done_total;
    await one.event('final');
    const after = (await s.metrics()).utterances_done_total;
    await one.finish();
    await Promise.all(flood.map((c) => c.end()));
    assert.ok(after - before <= 3, `${after - before} finals came meanwhile: the one at work, its own, and one while we asked`);
  });
});

test('an utterance that waits for longer than queue_timeout_ms ends with an error that names it; the next is heard', async () => {
  await withServer(shared({ 'pool.en.max': 1, 'pool.en.queue_timeout_ms': 200, 'pool.en.warmup': '' }), async (s) => {
    const a = await Client.start(s, manual);
    const b = await Client.start(s, manual);
    await b.event('ready');
    a.audio(babble(300));
    await s.untilMetric('pool_places_taken{pool="en"}', 1);
    b.audio(babble(300));
    b.send({ type: 'commit' });
    const error = await b.event('error');
    assert.deepEqual([error.utterance, error.code], [1, 'busy']);
    assert.match(error.message, /queue_timeout_ms 200/);
    a.vanish();
    await s.untilMetric('pool_places_taken{pool="en"}', 0);
    b.audio(babble(300));
    await b.finish();
    assert.deepEqual(b.finals.map((f) => f.utterance), [2]);
  });
});

test('a session that comes while queue_max utterances wait is refused', async () => {
  await withServer(shared({ 'pool.en.max': 1, 'pool.en.queue_max': 1 }), async (s) => {
    const [a, b] = [await Client.start(s, manual), await Client.start(s, manual)];
    await b.event('ready');
    a.audio(babble(300));
    await s.untilMetric('pool_places_taken{pool="en"}', 1);
    b.audio(babble(300));
    await s.untilMetric('pool_queue_length{pool="en"}', 1);
    const c = await Client.start(s, manual);
    assert.equal((await c.end()).code, 1013);
    assert.match(c.all('error')[0].message, /queue_max 1/);
    await a.finish();
    await b.finish();
  });
});

test('a live speaker whose audio is not heard within session_buffer_ms is told so; a file is slowed instead', async () => {
  const settings = shared({ 'pool.en.max': 1, 'server.session_buffer_ms': 1000, 'pool.en.warmup': '' });
  await withServer(settings, async (s) => {
    const busy = await Client.start(s, manual);
    await busy.event('ready');
    busy.audio(babble(300));
    await s.untilMetric('pool_places_taken{pool="en"}', 1);
    const file = await Client.start(s, manual);
    file.audio(babble(9000));
    const live = await Client.start(s, manual);
    const begun = Date.now();
    let sent = 0;
    await s.until(() => {
      for (; !live.closed && sent < Date.now() - begun; sent += 20) live.audio(babble(20));
      return live.closed;
    }, 'the live one is told');
    assert.equal(live.closed.code, 1013);
    const error = live.all('error').at(-1);
    assert.equal(error.code, 'overloaded');
    assert.match(error.message, /session_buffer_ms 1000/);
    assert.ok(error.retry_after_ms > 0);
    assert.equal((await s.metrics()).sessions_overloaded_total, 1);
    await busy.finish();
    await file.finish();
    assert.equal(file.events.at(-1).audio_ms, 9000);
  });
});

test('a lost instance costs no word here either', async () => {
  await withServer(shared(), async (s) => {
    const sound = babble(900);
    const alone = heard((await talk(s, [sound])).finals);
    const c = await Client.start(s, manual);
    c.audio(sound);
    const leased = async () => (await s.pool()).instances.find((i) => i.state === 'leased' && i.uses === 1);
    process.kill((await s.until(leased, 'it is heard')).pid, 'SIGKILL');
    await c.event('recovered');
    c.send({ type: 'commit' });
    assert.deepEqual(heard(await c.finish()), alone);
  });
});
