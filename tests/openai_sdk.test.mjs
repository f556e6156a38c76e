// OpenAI's own client for node, against this server. Where it is not installed (npm --prefix tests ci) all is skipped.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Server, withServer, run, set, fake } from './lib/server.mjs';
import { Client } from './lib/client.mjs';
import { sentences, speak, babble, join, silence } from './lib/speech.mjs';
import { assertSaid } from './lib/words.mjs';
import { wav } from './lib/audio.mjs';
import { deadline, until } from './lib/wait.mjs';
import { base64 } from './lib/protocols/openai_realtime.mjs';

globalThis.File ??= (await import('node:buffer')).File; // as the package asks for on Node 18
const sdk = await import('openai').catch(() => null);
const { OpenAIRealtimeWS } = await import('openai/realtime/ws').catch(() => ({}));
const skip = sdk ? false : 'the package openai is not installed (npm --prefix tests ci)';
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-sdk-'));
const words = sentences[0];
let server;

before(async () => {
  if (!skip) server = await Server.start(set({ 'pool.en.max': 2 }));
});
after(async () => {
  fs.rmSync(dir, { recursive: true });
  await server?.stop();
});

const client = (s, more = {}) => new sdk.OpenAI({ apiKey: 'any', baseURL: `http://${s.address}/v1`, maxRetries: 0, ...more });
const upload = (samples) => sdk.toFile(wav(samples), 'a.wav');

test('it transcribes a buffer, and a file that it streams in chunks', { skip }, async () => {
  const all = client(server).audio.transcriptions;
  assertSaid((await all.create({ file: await upload(speak(words).samples), model: 'whisper-1' })).text, words);
  const file = path.join(dir, 'a.wav');
  fs.writeFileSync(file, wav(speak(words).samples));
  assertSaid((await all.create({ file: fs.createReadStream(file), model: 'en' })).text, words);
});

test('each format is what it makes of it', { skip }, async () => {
  const ask = async (fields) => client(server).audio.transcriptions.create({ file: await upload(speak(words).samples), model: 'whisper-1', ...fields });
  assertSaid(await ask({ response_format: 'text' }), `${words}\n`);
  assert.match(await ask({ response_format: 'srt' }), /^1\n00:00:0/);
  assert.match(await ask({ response_format: 'vtt' }), /^WEBVTT\n/);
  const verbose = await ask({ response_format: 'verbose_json', timestamp_granularities: ['word', 'segment'] });
  assertSaid(verbose.words.map((w) => w.word), words.split(' '));
  assertSaid(verbose.segments[0].text, ` ${words}`);
});

test('it lists the models, and asks for one', { skip }, async () => {
  const ids = [];
  for await (const m of client(server).models.list()) ids.push(m.id);
  assert.deepEqual(ids, ['en', 'whisper-1', 'gpt-4o-transcribe', 'gpt-4o-mini-transcribe', 'gpt-4o-transcribe-diarize', 'gpt-transcribe']);
  assert.equal((await client(server).models.retrieve('whisper-1')).id, 'whisper-1');
});

test('refusals are its own errors, with their code', { skip }, async () => {
  const all = client(server).audio.transcriptions;
  await withServer(fake({ 'server.openai_models': 'whisper-1' }), async (s) => {
    await assert.rejects(client(s).audio.transcriptions.create({ file: await upload(babble(300)), model: 'gpt-9' }),
      (e) => e instanceof sdk.NotFoundError && e.code === 'model_not_found' && e.param === 'model');
  });
  await assert.rejects(all.create({ file: await sdk.toFile(Buffer.from('no audio'), 'a.mp3'), model: 'en' }),
    (e) => e instanceof sdk.BadRequestError && e.code === 'invalid_audio');
  const keys = path.join(dir, 'keys');
  const key = (await run(['keys', 'add', 'alice', '--file', keys])).stdout.trim();
  await withServer(fake({ 'server.keys_file': keys }), async (s) => {
    await assert.rejects(client(s).models.list(), (e) => e instanceof sdk.AuthenticationError && e.code === 'invalid_api_key');
    assert.equal((await client(s, { apiKey: key }).models.list()).data[0].id, 'en');
  });
});

test('a full queue makes it try again when Retry-After says so, until there is room', { skip }, async () => {
  await withServer(fake({ 'pool.en.max': 1, 'pool.en.lease': 'session', 'pool.en.queue_max': 0 }), async (s) => {
    const c = await Client.start(s);
    await c.event('ready');
    const asked = client(s, { maxRetries: 10 }).audio.transcriptions.create({ file: await upload(babble(500)), model: 'en' });
    await s.until(async () => (await s.metrics()).sessions_refused_total > 0, 'it was refused once');
    await c.finish();
    assert.notEqual((await asked).text, '');
  });
});

test('it reads a stream, whose deltas are the text', { skip }, async () => {
  const stream = await client(server).audio.transcriptions.create({ file: await upload(speak(words).samples), model: 'whisper-1', stream: true });
  let deltas = '';
  let done;
  for await (const e of stream) {
    if (e.type === 'transcript.text.delta') deltas += e.delta;
    else done = e;
  }
  assertSaid([done.type, done.text, deltas], ['transcript.text.done', words, words]);
});

test('it is told that nothing is translated here', { skip }, async () => {
  await assert.rejects(client(server).audio.translations.create({ file: await upload(babble(300)), model: 'whisper-1' }),
    (e) => e instanceof sdk.BadRequestError && /do not translate/.test(e.message));
});

// ---- Realtime ----

const noRealtime = skip || (OpenAIRealtimeWS ? false : 'the package ws is not installed (npm --prefix tests ci)');

// Its own class speaks only wss; a plain socket under it is what its options allow.
function realtime(s, apiKey) {
  const events = [];
  const options = { createConnection: () => net.connect(s.port, '127.0.0.1') };
  const rt = new OpenAIRealtimeWS({ model: 'whisper-1', options }, client(s, apiKey && { apiKey }));
  rt.on('error', (e) => events.push({ type: 'thrown', error: e }));
  rt.on('event', (e) => events.push(e));
  return {
    rt,
    events,
    of: (type) => events.filter((e) => e.type.endsWith(type)),
    async event(type, n = 1) {
      await until(() => this.of(type).length >= n, `event ${n} ${type}: ${JSON.stringify(events)}`);
      return this.of(type)[n - 1];
    },
    close() {
      const closed = new Promise((resolve) => rt.socket.on('close', (code) => resolve(code)));
      rt.close();
      return deadline(closed, () => 'the close');
    },
  };
}
const format = { type: 'audio/pcm', rate: 16000 };
const update = (input) => ({ type: 'session.update', session: { type: 'transcription', audio: { input: { format, ...input } } } });
const append = (samples) => ({ type: 'input_audio_buffer.append', audio: base64(samples) });

test('realtime: a turn that speech detection ends, and one that the client commits', { skip: noRealtime }, async () => {
  const c = realtime(server);
  assert.equal((await c.event('session.created')).session.type, 'transcription');
  c.rt.send(update({ transcription: { model: 'whisper-1', language: 'en' }, turn_detection: { type: 'server_vad', silence_duration_ms: 500 } }));
  assert.equal((await c.event('session.updated')).session.audio.input.turn_detection.silence_duration_ms, 500);
  const all = join(silence(300), speak(words).samples, silence(1500));
  for (let at = 0; at < all.length; at += 1600) c.rt.send(append(all.slice(at, at + 1600)));
  const first = await c.event('transcription.completed');
  assertSaid(first.transcript, words);
  assertSaid(c.of('transcription.delta').filter((e) => e.item_id === first.item_id).map((e) => e.delta).join(''), words);
  assert.deepEqual([c.of('speech_started')[0].item_id, c.of('speech_stopped')[0].item_id], [first.item_id, first.item_id]);
  c.rt.send(update({ turn_detection: null }));
  await c.event('session.updated', 2);
  c.rt.send(append(speak(sentences[1]).samples));
  c.rt.send({ type: 'input_audio_buffer.commit' });
  const second = await c.event('transcription.completed', 2);
  assertSaid(second.transcript, sentences[1]);
  assert.equal(c.of('committed').at(-1).item_id, second.item_id);
  assert.deepEqual(c.of('thrown'), []);
  assert.equal(await c.close(), 1000);
});

test('realtime: an update that cannot be is its error, with the event it was about; the session stays', { skip: noRealtime }, async () => {
  const c = realtime(server);
  await c.event('session.created');
  c.rt.send({ ...update({ turn_detection: { type: 'server_vad', threshold: 7 } }), event_id: 'mine' });
  const { error } = await c.event('thrown');
  assert.deepEqual([error.error.code, error.error.param, error.error.event_id], ['invalid_value', 'session.audio.input.turn_detection.threshold', 'mine']);
  c.rt.send(update({}));
  await c.event('session.updated');
  await c.close();
});

test('realtime: without a key that is known it gets 401', { skip: noRealtime }, async () => {
  const keys = path.join(dir, 'realtime-keys');
  const key = (await run(['keys', 'add', 'bob', '--file', keys])).stdout.trim();
  await withServer(fake({ 'server.keys_file': keys }), async (s) => {
    const bad = realtime(s, 'sk-wrong');
    assert.match((await bad.event('thrown')).error.message, /401/);
    const good = realtime(s, key);
    await good.event('session.created');
    await good.close();
  });
});
