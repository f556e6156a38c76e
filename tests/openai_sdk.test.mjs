// OpenAI's own client for node, against this server. Where it is not installed (npm --prefix tests ci) all is skipped.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Server, withServer, run, set, fake } from './lib/server.mjs';
import { Client } from './lib/client.mjs';
import { sentences, speak, babble } from './lib/speech.mjs';
import { wav } from './lib/audio.mjs';

const sdk = await import('openai').catch(() => null);
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
  assert.equal((await all.create({ file: await upload(speak(words).samples), model: 'whisper-1' })).text, words);
  const file = path.join(dir, 'a.wav');
  fs.writeFileSync(file, wav(speak(words).samples));
  assert.equal((await all.create({ file: fs.createReadStream(file), model: 'en' })).text, words);
});

test('each format is what it makes of it', { skip }, async () => {
  const ask = async (fields) => client(server).audio.transcriptions.create({ file: await upload(speak(words).samples), model: 'whisper-1', ...fields });
  assert.equal(await ask({ response_format: 'text' }), `${words}\n`);
  assert.match(await ask({ response_format: 'srt' }), /^1\n00:00:0/);
  assert.match(await ask({ response_format: 'vtt' }), /^WEBVTT\n/);
  const verbose = await ask({ response_format: 'verbose_json', timestamp_granularities: ['word', 'segment'] });
  assert.deepEqual(verbose.words.map((w) => w.word), words.split(' '));
  assert.equal(verbose.segments[0].text, words);
});

test('it lists the models, and asks for one', { skip }, async () => {
  const ids = [];
  for await (const m of client(server).models.list()) ids.push(m.id);
  assert.deepEqual(ids, ['en', 'whisper-1']);
  assert.equal((await client(server).models.retrieve('whisper-1')).id, 'whisper-1');
});

test('refusals are its own errors, with their code', { skip }, async () => {
  const all = client(server).audio.transcriptions;
  await assert.rejects(all.create({ file: await upload(babble(300)), model: 'gpt-9' }),
    (e) => e instanceof sdk.NotFoundError && e.code === 'model_not_found' && e.param === 'model');
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
