// Speech goes in, its words come out, with their times, in every format, from many clients at once.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { Server, withServer, run, set, fake } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { clip, sentences, speak, babble, join, silence } from './lib/speech.mjs';
import { assertSaid, said } from './lib/words.mjs';
import { encode, resample, stereo, louder } from './lib/audio.mjs';

let server;
before(async () => (server = await Server.start(set({ 'pool.en.max': 5 }))));
after(() => server.stop());

async function hear(bytes, fields = {}) {
  const c = await Client.start(server, fields);
  for (let at = 0; at < bytes.length; at += 4000) c.binary(bytes.subarray(at, at + 4000));
  await c.finish();
  return c;
}

test('transcribe prints the words of a recording', async () => {
  const { code, stdout, stderr } = await run(['transcribe', '--server', server.address, clip('goforward').file]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assertSaid(stdout, clip('goforward').words);
});

for (const words of sentences) {
  test(`"${words}", spoken by a machine, is heard word for word`, async () => {
    assertSaid((await dictate(server, speak(words).samples)).text, words);
  });
}

test('two sentences with a pause between them are two utterances in order', async () => {
  const c = await dictate(server, join(speak(sentences[0]).samples, silence(1500), speak(sentences[1]).samples));
  assertSaid(c.finals.map((f) => [f.utterance, f.text]), [[1, sentences[0]], [2, sentences[1]]]);
});

test('with two places five clients are all understood, and three of them saw the queue move', async () => {
  await withServer(set({ 'pool.en.max': 2 }), async (s) => {
    const clients = [];
    for (let i = 0; i < 5; i++) {
      const c = await Client.start(s);
      await c.event(i < 2 ? 'ready' : 'queued');
      clients.push(c);
    }
    await Promise.all(clients.map((c, i) => {
      c.audio(speak(sentences[i % 2]).samples);
      return c.finish();
    }));
    clients.forEach((c, i) => assertSaid(c.text, sentences[i % 2], `client ${i}`));
    const positions = clients.map((c) => c.all('queued').map((q) => q.position));
    assert.deepEqual(positions, [[], [], [1], [2, 1], [3, 2, 1]]);
    for (const c of clients) {
      const order = c.events.map((e) => e.type);
      assert.ok(order.lastIndexOf('queued') < order.indexOf('ready'));
    }
    const m = await s.metrics();
    assert.equal(m['pool_leases_granted_total{pool="en"}'], 5);
    assert.equal(m.utterances_done_total, 5);
  });
});

test('word times do not decrease and lie inside their utterance', async () => {
  const c = await dictate(server, join(silence(700), speak(sentences[0]).samples, silence(1200), speak(sentences[1]).samples));
  assert.equal(c.finals.length, 2);
  let last = 0;
  for (const f of c.finals) {
    assert.ok(f.words.length > 0 && f.start_ms >= last && f.start_ms < f.end_ms);
    last = f.start_ms;
    for (const w of f.words) {
      assert.ok(w.start_ms >= last && w.end_ms >= w.start_ms && w.end_ms <= f.end_ms, JSON.stringify([f, w]));
      assert.ok(w.confidence >= 0 && w.confidence <= 1);
      last = w.start_ms;
    }
    last = f.end_ms;
  }
  assert.ok(last <= c.events.at(-1).audio_ms);
});

test('offset_ms is added to every time and changes nothing else', async () => {
  const OFFSET_MS = 3_600_000;
  const [plain, shifted] = await Promise.all([0, OFFSET_MS].map((offset_ms) => dictate(server, speak(sentences[0]).samples, { offset_ms })));
  const settled = (c, by) => c.events.filter((e) => ['speech_start', 'speech_end', 'final'].includes(e.type)).map(({ instance, ...e }) => {
    for (const o of [e, ...(e.words ?? [])]) for (const k of ['at_ms', 'start_ms', 'end_ms']) if (k in o) o[k] += by;
    return e;
  });
  assert.deepEqual(settled(shifted, 0), settled(plain, OFFSET_MS));
});

const formats = [
  { encoding: 'pcm_s16le' },
  { encoding: 'pcm_f32le' },
  { encoding: 'pcm_u8', factor: 1.25 },
  { encoding: 'mulaw' },
  { encoding: 'alaw' },
  { encoding: 'pcm_s16le', sample_rate: 22050 },
  { encoding: 'pcm_s16le', sample_rate: 44100 },
  { encoding: 'pcm_f32le', sample_rate: 48000 },
  { encoding: 'pcm_s16le', channels: 2 },
  { encoding: 'pcm_f32le', sample_rate: 48000, channels: 2 },
];
for (const { factor = 1, ...format } of formats) {
  test(`the words are the same as ${Object.values(format).join(', ')}${format.channels ? ' channels' : ''}`, async () => {
    const words = sentences[1];
    let samples = louder(speak(words).samples, factor);
    if (format.sample_rate) samples = resample(samples, 16000, format.sample_rate);
    if (format.channels === 2) samples = stereo(samples);
    assertSaid((await hear(encode(samples, format.encoding), format)).text, words);
  });
}

// Models were trained on the whole band; for those that miss the upper half of it, it is made of the lower one (host/fold.h).
test('8 kHz audio is heard word for word, although it has half the band', async () => {
  const narrow = resample(speak(sentences[1]).samples, 16000, 8000);
  const c = await hear(encode(narrow, 'pcm_s16le'), { sample_rate: 8000 });
  assertSaid(c.text, sentences[1]);
  assert.equal(c.events.at(-1).audio_ms, Math.floor(narrow.length / 8));
});

test('a partial comes while somebody still speaks', async () => {
  const c = await Client.start(server, { endpointing: 'manual' });
  c.audio(speak(sentences[1]).samples);
  const p = await c.event('partial');
  assert.equal(p.utterance, 1);
  assert.ok(said(p.text).startsWith('please call me'), p.text);
  await c.finish();
  assertSaid(c.text, sentences[1]);
  assert.ok(c.events.indexOf(c.all('partial').at(-1)) < c.events.indexOf(c.finals[0]));
});

test('partials grow to their final, and what is stable in one is in the next and never more than there is', async () => {
  await withServer(fake(), async (s) => {
    const c = await Client.start(s, { endpointing: 'manual' });
    const samples = babble(4000);
    for (let i = 0; i < 10; i++) {
      c.audio(samples.subarray(i * 6400, (i + 1) * 6400));
      await c.event('partial', i);
    }
    const [final] = await c.finish();
    const partials = c.all('partial');
    assert.ok(c.events.indexOf(partials.at(-1)) < c.events.indexOf(final));
    partials.forEach((p, i) => {
      assert.ok(p.stable >= 0 && p.stable <= Buffer.byteLength(p.text), JSON.stringify(p));
      assert.ok(`${final.text} `.startsWith(`${p.text} `), p.text);
      assert.ok(i === 0 || p.stable >= partials[i - 1].stable, JSON.stringify(partials));
    });
    assert.ok(partials.at(-1).stable > 0, 'something became stable');
  });
});

test('who wants no partials gets none', async () => {
  await withServer(fake(), async (s) => {
    const hear = async (partials) => {
      const c = await Client.start(s, { endpointing: 'manual', partials });
      c.audio(babble(2000));
      if (partials) await c.event('partial');
      else await s.until(async () => (await s.metrics()).audio_received_seconds_total > 1.5, 'there was audio enough for partials');
      await c.finish();
      return c;
    };
    const without = await hear(false);
    assert.equal((await s.metrics()).partials_total, 0);
    assert.deepEqual(without.all('partial'), []);
    assert.equal((await hear(true)).text, without.text);
  });
});

// What must not depend on how the audio came: all but partials, each utterance for itself, since a final may come before or
// after the next utterance has begun.
function settled(c) {
  const events = c.events.filter((e) => e.type !== 'partial').map(({ session, instance, ...e }) => e);
  const of = (utterance) => events.filter((e) => e.utterance === utterance);
  return [of(undefined), ...of(undefined).slice(-1).flatMap((done) => Array.from({ length: done.utterances }, (_, i) => of(i + 1)))];
}

async function hearInChunks(s, bytes, chunk, paced) {
  const c = await Client.start(s, { endpointing: 'vad' });
  await c.event('ready');
  c.socket.cork();
  for (let at = 0, n = 0; at < bytes.length; at += chunk, n++) {
    c.binary(bytes.subarray(at, at + chunk));
    if (!paced || n % paced !== 0) continue;
    const pongs = c.pongs;
    c.ping();
    c.socket.uncork();
    await c.until(() => c.pongs > pongs, 'a pong');
    c.socket.cork();
  }
  c.socket.uncork();
  await c.finish();
  return settled(c);
}

test('the same audio in pieces of any size and at any pace gives the same events', async () => {
  await withServer(fake({ 'pool.en.max': 4 }), async (s) => {
    const samples = join(silence(400), babble(900, 3), silence(900), babble(700, 4), silence(300));
    const bytes = encode(samples, 'pcm_s16le');
    const want = await hearInChunks(s, bytes, 640);
    assert.equal(want.length, 1 + 2, 'two utterances');
    for (const [chunk, paced] of [[1], [3], [999], [4096], [65536], [bytes.length], [640, 1], [640, 7], [7777, 1]]) {
      assert.deepEqual(await hearInChunks(s, bytes, chunk, paced), want, `pieces of ${chunk} bytes, waiting every ${paced}`);
    }
  });
});

test('real recognition, too, does not depend on the size of the pieces', async () => {
  const bytes = encode(speak(sentences[0]).samples, 'pcm_s16le');
  const all = await Promise.all([[1], [640, 5], [65536]].map(([chunk, paced]) => hearInChunks(server, bytes, chunk, paced)));
  assert.deepEqual(all[1], all[0]);
  assert.deepEqual(all[2], all[0]);
});
