// What a key may: how many sessions at once, how much audio an hour, which pools; and what a log keeps of what is said.
import test from 'node:test';
import assert from 'node:assert/strict';
import { withServer, fake } from './lib/server.mjs';
import { Client } from './lib/client.mjs';
import { bearer, flags, keys, withKeys } from './lib/keys.mjs';
import { wav } from './lib/audio.mjs';
import { babble, join, silence } from './lib/speech.mjs';

const manual = { endpointing: 'manual', partials: false };
const many = { 'pool.en.max': 4 };

async function open(s, key, fields = manual) {
  const c = await Client.start(s, fields, bearer(key));
  await c.event('ready');
  return c;
}

// A session that is not opened: its error event.
async function refused(s, key, code, words, fields = manual) {
  const c = await Client.start(s, fields, bearer(key));
  assert.equal((await c.end()).code, 1008);
  assert.deepEqual(c.events.map((e) => [e.type, e.code]), [['error', code]]);
  assert.match(c.events[0].message, words);
  return c.events[0];
}

async function change(s, file, name, options) {
  const before = (await s.metrics()).config_reloads_total;
  const r = await keys('set', name, ...flags(options), '--file', file);
  assert.equal(r.code, 0, r.stderr);
  s.child.kill('SIGHUP');
  await s.untilMetric('config_reloads_total', before + 1);
}

// ---- sessions ----

test('a key with sessions=2 has no third one open before one of them has left, however it left', async () => {
  await withKeys({ alice: { sessions: 2 }, bob: { sessions: 1 } }, many, async (s, { alice, bob }) => {
    const [one, two] = [await open(s, alice), await open(s, alice)];
    const e = await refused(s, alice, 'too_many_sessions', /the key has 2 sessions open and may have 2 at once \(sessions=2\)/);
    assert.ok(e.retry_after_ms > 0);
    const other = await open(s, bob);
    await one.finish();
    const three = await open(s, alice);
    await refused(s, alice, 'too_many_sessions', /sessions=2/);
    two.vanish();
    await s.until(async () => (await s.status()).sessions.length === 2, 'the one that vanished is gone');
    const four = await open(s, alice);
    for (const c of [three, four, other]) await c.finish();
    const m = await s.metrics();
    assert.deepEqual([m.keys_limited_total, m.sessions_refused_total, m.sessions_opened_total], [2, 2, 5]);
  });
});

test('a session that the pool refuses does not count', async () => {
  await withKeys({ alice: { sessions: 2 }, bob: 'normal' }, { 'pool.en.max': 1, 'pool.en.lease': 'session', 'pool.en.queue_max': 0 }, async (s, { alice, bob }) => {
    const holder = await open(s, bob);
    for (let i = 0; i < 3; i++) {
      const c = await Client.start(s, manual, bearer(alice));
      await c.end();
      assert.equal(c.events[0].code, 'busy');
    }
    await holder.finish();
    await (await open(s, alice)).finish();
  });
});

test('other limits count as soon as the keys are read again, also for sessions that are open', async () => {
  await withKeys({ alice: { sessions: 1 } }, many, async (s, { alice }, file) => {
    const one = await open(s, alice);
    await refused(s, alice, 'too_many_sessions', /sessions=1/);
    await change(s, file, 'alice', { sessions: 2 });
    const two = await open(s, alice);
    await change(s, file, 'alice', { sessions: 1, minutes: 1 });
    await refused(s, alice, 'too_many_sessions', /has 2 sessions open and may have 1 at once/);
    two.audio(babble(70000));
    await two.end();
    assert.equal(two.events.at(-1).code, 'quota_used_up');
    await change(s, file, 'alice', { minutes: 'none' });
    await refused(s, alice, 'too_many_sessions', /has 1 session open/);
    await one.finish();
    await (await open(s, alice)).finish();
  });
});

test('a client that waits to say start is held to the limits there are when it says so', async () => {
  await withKeys({ alice: 'normal' }, many, async (s, { alice }, file) => {
    const one = await open(s, alice);
    const late = await Client.open(s, bearer(alice));
    await change(s, file, 'alice', { sessions: 1 });
    late.send({ type: 'start' });
    assert.equal((await late.end()).code, 1008);
    assert.equal(late.events[0].code, 'too_many_sessions');
    await one.finish();
  });
});

// ---- minutes ----

test('a session whose minutes run out gets the finals of what has come, then an error that names the limit', async () => {
  await withKeys({ alice: { minutes: 1 }, bob: { minutes: 1 } }, many, async (s, { alice, bob }) => {
    const c = await open(s, alice, { partials: false });
    const part = join(babble(4000), silence(2000));
    for (let i = 0; i < 12; i++) c.audio(part);
    assert.equal((await c.end()).code, 1008);
    const e = c.events.at(-1);
    assert.deepEqual([e.type, e.code], ['error', 'quota_used_up']);
    assert.match(e.message, /the key's audio is used up: it may send 1 minute an hour \(minutes=1\)/);
    assert.ok(e.retry_after_ms > 0 && e.retry_after_ms <= 3600000);
    assert.equal(c.all('done').length, 0);
    assert.ok(c.finals.length >= 10, `${c.finals.length} finals of 60 s`);
    assert.ok(c.finals.at(-1).end_ms < 62000);
    assert.equal(c.all('speech_start').length, c.finals.length);
    const again = await refused(s, alice, 'quota_used_up', /minutes=1/);
    assert.ok(again.retry_after_ms > 0);
    const other = await open(s, bob);
    other.audio(babble(10000));
    await other.finish();
    assert.equal((await s.metrics()).keys_limited_total, 2);
  });
});

test('audio of all sessions of a key counts together, and stays counted after a session and a new reading of the keys', async () => {
  await withKeys({ alice: { minutes: 2 } }, many, async (s, { alice }, file) => {
    const [one, two] = [await open(s, alice), await open(s, alice)];
    for (const c of [one, two]) c.audio(babble(40000));
    for (const c of [one, two]) await c.finish();
    await change(s, file, 'alice', { minutes: 1 });
    await refused(s, alice, 'quota_used_up', /minutes=1/);
    await change(s, file, 'alice', { minutes: 3 });
    const three = await open(s, alice);
    three.audio(babble(40000));
    await three.finish();
  });
});

// ---- pools ----

test('a key with pools=de gets that one when it names none, and no other', async () => {
  await withKeys({ alice: { pools: 'de' }, bob: 'normal' }, { 'pool.de.engine': 'fake' }, async (s, { alice, bob }) => {
    const e = await refused(s, alice, 'forbidden', /the key may not use the pool "en"; it may use: de/, { pool: 'en' });
    assert.equal(e.retry_after_ms, undefined);
    for (const fields of [{}, { pool: 'de' }]) {
      const c = await open(s, alice, fields);
      assert.equal(c.all('ready')[0].pool, 'de');
      await c.finish();
    }
    for (const pool of ['en', 'de']) await (await open(s, bob, { pool })).finish();
  });
});

test('a file that names no pool of ours is heard by the one that its key may use', async () => {
  await withKeys({ alice: { pools: 'de' } }, { 'pool.de.engine': 'fake' }, async (s, { alice }) => {
    for (const model of ['', 'whisper-1']) {
      const form = new FormData();
      form.append('file', new Blob([wav(babble(500))]), 'a.wav');
      form.append('model', model);
      const r = await fetch(`http://${s.address}/v1/audio/transcriptions`, { method: 'POST', body: form, ...bearer(alice) });
      assert.equal(r.status, 200, await r.text());
    }
  });
});

test('a pool in the keys file that there is not is named in the log', async () => {
  await withKeys({ alice: { pools: 'en,dee' } }, {}, async (s) => {
    await s.says(/warn server: key alice: there is no pool "dee"/);
  });
});

// ---- the log ----

// The words of each final, long enough to be of nothing else.
async function say(s, options) {
  const c = await Client.start(s, {}, options);
  c.audio(join(babble(3000), silence(1500), babble(2500, 3)));
  const finals = await c.finish();
  const texts = finals.map((f) => f.text);
  assert.ok(texts.length >= 2 && texts.every((t) => t.length > 5), JSON.stringify(texts));
  return { id: c.all('ready')[0].session, texts, words: texts.flatMap((t) => t.split(' ')).filter((w) => w.length > 3) };
}

test('what is said is in no log, whatever its level, nor is a key', async () => {
  for (const level of ['error', 'warn', 'info', 'debug']) {
    await withKeys({ alice: 'normal' }, { 'server.log_level': level }, async (s, { alice }) => {
      const { texts, words } = await say(s, { path: `/v1/stream?api_key=${alice}` });
      assert.ok(words.length > 0);
      for (const t of [...texts, ...words, alice]) assert.ok(!s.log.includes(t), `"${t}" is in the log`);
    });
  }
});

test('with log_text the log has each final with its session', async () => {
  await withServer(fake({ 'server.log_text': 'yes' }), async (s) => {
    const { id, texts } = await say(s);
    for (const t of texts) await s.says(new RegExp(`info session ${id}: heard: ${t}\n`));
  });
});
