// WhisperLive's clients, at a listener of their own.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run, set, fake, withServer } from './lib/server.mjs';
import { keysFile } from './lib/keys.mjs';
import { Client, frame } from './lib/client.mjs';
import { babble, clip, join, sentences, silence, speak } from './lib/speech.mjs';
import { assertSaid } from './lib/words.mjs';
import { WhisperLive, skip, transcribe } from './lib/protocols/whisperlive.mjs';

const listener = ['--listen', 'whisperlive=127.0.0.1:0'];
const real = (more = {}) => [...listener, ...set({ 'pool.en.max': 3, ...more })];
const faked = (more = {}) => [...listener, ...fake(more)];

test('whisperlive finals: a clip is heard word for word, sent as fast as it goes', { skip }, async () => {
  await withServer(real(), async (server) => {
    assertSaid(await transcribe(server, clip('goforward')), clip('goforward').words);
  });
});

test('whisperlive sample rates: float32, int16 and uint8 at 16 kHz are all heard', { skip }, async () => {
  await withServer(real(), async (server) => {
    for (const [audio_format, encoding] of [['float32', 'pcm_f32le'], ['int16', 'pcm_s16le'], ['uint8', 'pcm_u8']]) {
      const c = await WhisperLive.ready(server, { audio_format });
      c.audio(speak(sentences[0]).samples, encoding);
      assert.equal((await c.finish()).code, 1000);
      assertSaid(c.text, sentences[0], audio_format);
    }
  });
});

test('whisperlive partials: an update ends in at most one growing segment, and completed ones never change', { skip }, async () => {
  await withServer(faked(), async (server) => {
    const c = await WhisperLive.ready(server);
    for (let i = 0; i < 3; i++) c.audio(join(babble(3000, i + 1), silence(1500)));
    await c.finish();
    const seen = new Map();
    for (const { uid, segments } of c.updates) {
      assert.equal(uid, 'u1');
      assert.ok(segments.length > 0, 'an update without segments');
      assert.ok(segments.slice(0, -1).every((s) => s.completed), JSON.stringify(segments));
      for (const s of segments) {
        assert.match(s.start, /^\d+\.\d{3}$/);
        assert.match(s.end, /^\d+\.\d{3}$/);
        assert.match(s.text, /^ \S/);
        if (s.completed) {
          assert.equal(seen.get(s.start) ?? JSON.stringify(s), JSON.stringify(s));
          seen.set(s.start, JSON.stringify(s));
        }
      }
      segments.forEach((s, i) => assert.ok(i === 0 || Number(s.start) >= Number(segments[i - 1].end), JSON.stringify(segments)));
    }
    assert.ok(c.updates.some((u) => !u.segments.at(-1).completed), 'there was no partial');
    assert.equal(c.transcript.length, 3);
  });
});

test('whisperlive finals: no more than send_last_n_segments are told again', { skip }, async () => {
  await withServer(faked(), async (server) => {
    const c = await WhisperLive.ready(server, { send_last_n_segments: 2 });
    for (let i = 0; i < 4; i++) c.audio(join(babble(1500, i + 1), silence(1500)));
    await c.finish();
    assert.equal(Math.max(...c.updates.map((u) => u.segments.filter((s) => s.completed).length)), 2);
    assert.equal(c.transcript.length, 4);
  });
});

test('whisperlive word times: word_timestamps brings the words of completed segments', { skip }, async () => {
  await withServer(real(), async (server) => {
    const c = await WhisperLive.ready(server, { word_timestamps: true });
    c.audio(speak(sentences[0]).samples);
    await c.finish();
    const [segment] = c.transcript;
    assertSaid(segment.words.map((w) => w.word).join(''), ` ${sentences[0]}`);
    for (const w of segment.words) {
      assert.ok(Number(w.start) <= Number(w.end) && typeof w.start === 'string');
      assert.ok(w.probability >= 0 && w.probability <= 1);
    }
  });
});

test('whisperlive commit: audio that stalls is completed though END_OF_AUDIO has not come', { skip }, async () => {
  await withServer(real(), async (server) => {
    const c = await WhisperLive.ready(server);
    c.audio(speak(sentences[0]).samples); // which ends in too little silence to be over
    await c.message((m) => m.segments?.at(-1).completed);
    assertSaid(c.text, sentences[0]);
    assert.equal((await c.finish()).code, 1000);
  });
});

test('whisperlive end: END_OF_AUDIO as text or as bytes brings what is left, then 1000', { skip }, async () => {
  await withServer(faked(), async (server) => {
    for (const text of [true, false]) {
      const c = await WhisperLive.ready(server);
      c.audio(babble(2000));
      assert.equal((await c.finish({ text })).code, 1000);
      assert.equal(c.transcript.length, 1);
    }
  });
});

test('whisperlive end: what comes behind END_OF_AUDIO is passed over', { skip }, async () => {
  await withServer(faked(), async (server) => {
    const c = await WhisperLive.ready(server);
    c.audio(babble(2000));
    for (const last of [Buffer.from('END_OF_AUDIO'), 'END_OF_AUDIO', Buffer.alloc(640), '{"uid":"u1"}']) c.ws.send(last);
    assert.equal((await c.end()).code, 1000);
    assert.equal(c.transcript.length, 1);
    assert.ok(c.messages.every((m) => m.status === undefined), JSON.stringify(c.messages));
  });
});

// The audio is sent right behind the options, so that it is there before the time begins.
test('whisperlive end: after whisperlive_max_connection_time_ms what was said comes, then DISCONNECT, then 1000', { skip }, async () => {
  await withServer(faked({ 'server.whisperlive_max_connection_time_ms': 1000 }), async (server) => {
    const c = await WhisperLive.open(server);
    c.audio(babble(2000));
    const { code, reason } = await c.end();
    assert.equal(code, 1000);
    assert.match(reason, /whisperlive_max_connection_time_ms/);
    assert.deepEqual(c.messages.at(-1), { uid: 'u1', message: 'DISCONNECT' });
    assert.equal(c.transcript.length, 1);
    assert.ok(c.updates.at(-1).segments.every((s) => s.completed));
    assert.equal(c.messages.filter((m) => m.message === 'DISCONNECT').length, 1);
    await server.says(/its whisperlive_max_connection_time_ms 1000 are up/);
  });
});

test('whisperlive: a language that is to be detected is told before the first segments, once', { skip }, async () => {
  await withServer([...listener, ...set({ 'pool.de.engine': 'fake', 'pool.en.engine': 'fake' }), '--set', 'listen.whisperlive.pool=de'], async (server) => {
    const c = await WhisperLive.ready(server, { language: null });
    c.audio(babble(2000));
    await c.finish();
    assert.equal(c.messages[0].message, 'SERVER_READY');
    assert.equal(c.messages[0].backend, 'faster_whisper');
    assert.deepEqual(c.messages.filter((m) => 'language' in m), [{ uid: 'u1', language: 'de', language_prob: 1 }]);
    assert.ok('language' in c.messages[1]);
  });
});

test('whisperlive: a model that is a pool is that pool; any other one is taken', { skip }, async () => {
  await withServer([...listener, ...set({ 'pool.en.engine': 'fake', 'pool.other.engine': 'fake' })], async (server) => {
    for (const [model, pool] of [['other', 'other'], ['large-v3', 'en']]) {
      const c = await WhisperLive.ready(server, { model });
      assert.equal((await server.status()).sessions[0].pool, pool);
      await c.finish();
      await server.until(async () => (await server.status()).sessions.length === 0, 'the session is gone');
    }
  });
});

test('whisperlive: a translation is warned about, and what is said is transcribed', { skip }, async () => {
  await withServer(faked(), async (server) => {
    const c = await WhisperLive.ready(server, { task: 'translate' });
    assert.deepEqual(c.messages.map((m) => m.status ?? m.message), ['WARNING', 'SERVER_READY']);
    c.audio(babble(2000));
    assert.equal((await c.finish()).code, 1000);
    assert.equal(c.transcript.length, 1);
  });
});

test('whisperlive queue: a client that gets no place is told how many minutes to WAIT, and closed', { skip }, async () => {
  await withServer(faked({ 'pool.en.max': 1 }), async (server) => {
    const first = await WhisperLive.ready(server);
    const second = await WhisperLive.open(server, { uid: 'u2' });
    assert.equal((await second.end()).code, 1013);
    assert.equal(second.messages.length, 1);
    assert.equal(second.messages[0].uid, 'u2');
    assert.equal(second.messages[0].status, 'WAIT');
    assert.equal(typeof second.messages[0].message, 'number');
    assert.equal((await first.finish()).code, 1000);
    await (await WhisperLive.ready(server)).finish();
  });
});

test('whisperlive auth: a key comes as Bearer or ?token; without one the handshake is answered 401 in plain text', { skip }, async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-keys-'));
  const file = path.join(dir, 'keys');
  const key = (await run(['keys', 'add', 'alice', '--file', file])).stdout.match(/sp_[\w-]+/)[0];
  await withServer([...faked(), '--set', `server.keys_file=${file}`], async (server) => {
    await (await WhisperLive.ready(server, {}, { headers: { Authorization: `Bearer ${key}` } })).finish();
    await (await WhisperLive.ready(server, {}, { path: `/?token=${key}` })).finish();
    await assert.rejects(WhisperLive.open(server), (e) => e.status === 401 && /^a key is needed/.test(e.body) && /text\/plain/.test(e.headers['content-type']));
    await assert.rejects(WhisperLive.open(server, {}, { path: '/?token=wrong' }), { status: 401 });
  });
  fs.rmSync(dir, { recursive: true });
});

test("whisperlive auth: the page of a browser's extension is let in where allowed_origins names it", { skip }, async () => {
  const from = (id) => ({ headers: { Origin: `chrome-extension://${id}` } });
  await withServer(faked({ 'server.allowed_origins': 'chrome-extension://abcdefgh' }), async (server) => {
    assert.equal((await (await WhisperLive.ready(server, {}, from('abcdefgh'))).finish()).code, 1000);
    await assert.rejects(WhisperLive.open(server, {}, from('other')), { status: 403 });
  });
});

// The iOS client says "en" whatever is spoken.
test('whisperlive auth: a language whose pool the key may not use is heard by one that it may, with a warning', { skip }, async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-whisperlive-'));
  const { file, secrets } = await keysFile(dir, { a: { pools: 'de' }, b: { pools: 'main' }, c: 'normal' });
  await withServer([...faked({ 'pool.de.engine': 'fake', 'pool.main.engine': 'fake' }), ...set({ 'server.keys_file': file })], async (server) => {
    const statuses = async (key, options) => {
      const c = await WhisperLive.ready(server, options, { path: `/?token=${secrets[key]}` });
      assert.equal(c.messages.at(-1).message, 'SERVER_READY');
      c.audio(babble(1500));
      assert.equal((await c.finish()).code, 1000);
      assert.equal(c.transcript.length, 1);
      return c.messages.filter((m) => m.status).map((m) => `${m.status} ${m.message}`);
    };
    assert.deepEqual(await statuses('a', { language: 'en' }), ['WARNING language "en" is not heard for this client; what it says is heard by pool "de"']);
    assert.deepEqual(await statuses('b', { language: 'de' }), ['WARNING language "de" is not heard for this client; what it says is heard by pool "main"']);
    assert.deepEqual(await statuses('c', { language: 'fr' }), ['WARNING language "fr" is not heard for this client; what it says is heard by pool "en"']);
    assert.deepEqual(await statuses('c', { model: 'main', language: 'fr' }), ['WARNING language "fr" is not heard for this client; what it says is heard by pool "main"']);
    for (const [key, options] of [['a', { language: 'de' }], ['c', { language: 'en' }]]) {
      assert.deepEqual(await statuses(key, options), [], JSON.stringify(options));
    }
    const c = await WhisperLive.open(server, { model: 'en' }, { path: `/?token=${secrets.a}` });
    assert.equal((await c.end()).code, 1008, 'a pool that is named as such is refused');
    assert.match(c.messages[0].message, /it may use: de/);
  });
  fs.rmSync(dir, { recursive: true });
});

test('whisperlive: two clients at once hear only their own words', { skip }, async () => {
  await withServer(real(), async (server) => {
    const clients = await Promise.all(sentences.map((_, i) => WhisperLive.ready(server, { uid: `client ${i}` })));
    clients.forEach((c, i) => c.audio(speak(sentences[i]).samples));
    await Promise.all(clients.map((c) => c.finish()));
    clients.forEach((c, i) => {
      assertSaid(c.text, sentences[i]);
      assert.ok(c.messages.every((m) => m.uid === `client ${i}`));
    });
  });
});

const refused = [
  ['options without a uid', (c) => c.ws.send('{"language":"en"}'), /no "uid"/],
  ['options that are no JSON', (c) => c.ws.send('hello'), /not JSON/],
  ['options that are an array', (c) => c.ws.send('[]'), /must be a JSON object/],
  ['another audio_format', (c) => c.ws.send('{"uid":"u","audio_format":"mp3"}'), /"audio_format" must be/],
  ['audio before the options', (c) => c.ws.send(Buffer.alloc(640)), /the first message must be the options/],
  ['END_OF_AUDIO before the options', (c) => c.ws.send('END_OF_AUDIO'), /not JSON/],
  ['options twice', (c) => (c.ws.send('{"uid":"u"}'), c.ws.send('{"uid":"u"}')), /after the options only audio/],
];

test('whisperlive errors: what cannot be is told as ERROR and closed, and nobody else notices', { skip }, async () => {
  await withServer(faked({ 'pool.en.max': 3 }), async (server) => {
    const other = await WhisperLive.ready(server);
    other.audio(babble(1000));
    for (const [what, send, why] of refused) {
      const c = await WhisperLive.open(server, null);
      send(c);
      assert.equal((await c.end()).code, 1008, what);
      assert.equal(c.messages.at(-1).status, 'ERROR', what);
      assert.match(c.messages.at(-1).message, why, what);
    }
    other.audio(babble(1000));
    assert.equal((await other.finish()).code, 1000);
    assert.equal(other.transcript.length, 1);
  });
});

test('whisperlive errors: hostile frames end their own connection only', { skip }, async () => {
  await withServer(faked(), async (server) => {
    const at = { port: server.ports.whisperlive, address: 'x' };
    const text = frame(1, Buffer.from('{"uid":"u"}'));
    for (const bytes of [frame(1, Buffer.from([0x7b, 0xff, 0x7d])), frame(1, Buffer.from('{}'), { masked: false }), frame(2, Buffer.alloc(8), { length: 0xffffffff })]) {
      const c = await Client.open(at, { path: '/any/path' });
      c.raw(bytes);
      await c.end();
    }
    const tiny = await Client.open(at, { path: '/' });
    tiny.raw(text);
    await tiny.until(() => tiny.events.find((m) => m.message === 'SERVER_READY'));
    for (let i = 0; i < 5000; i++) tiny.binary(Buffer.from([i & 255])); // a sample comes in four pieces
    tiny.binary(Buffer.from('END_OF_AUDIO'));
    assert.equal((await tiny.end()).code, 1000);
    const half = await Client.open(at, { path: '/' });
    half.raw(text.subarray(0, 5));
    half.vanish();
    await (await WhisperLive.ready(server)).finish();
  });
});
