// Deepgram's own client for node, unmodified, against this server. Where it is not installed (npm --prefix tests ci) all is
// skipped.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { Server, set, fake, withServer } from './lib/server.mjs';
import { sentences, speak, babble, silence } from './lib/speech.mjs';
import { assertSaid } from './lib/words.mjs';
import { wav } from './lib/audio.mjs';
import { withKeys } from './lib/keys.mjs';
import { deadline } from './lib/wait.mjs';

const sdk = await import('@deepgram/sdk').catch(() => null);
const skip = sdk ? false : 'the package @deepgram/sdk is not installed (npm --prefix tests ci)';
const words = sentences[0];
let server;

before(async () => {
  if (!skip) server = await Server.start(set({ 'pool.en.max': 2 }));
});
after(() => server?.stop());

const client = (s, apiKey = 'any') => new sdk.DeepgramClient({ apiKey, baseUrl: `http://${s.address}` });
const bytesOf = (samples) => Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
const best = (m) => m.channel.alternatives[0];

// A stream of its live client, with all that it told.
async function connect(s, query = {}, apiKey) {
  const c = await client(s, apiKey).listen.v1.connect({
    model: 'nova-3', encoding: 'linear16', sample_rate: 16000, ...query, reconnectAttempts: query.reconnectAttempts,
  });
  const told = { messages: [], errors: [], opened: 0, wake: () => {} };
  told.closed = new Promise((resolve) => c.on('close', resolve));
  c.on('open', () => told.opened++);
  c.on('error', (e) => told.errors.push(e));
  c.on('message', (m) => {
    told.messages.push(m);
    told.wake();
  });
  told.until = (ask, what) => deadline(new Promise((resolve) => {
    told.wake = () => ask(told.messages) && resolve(ask(told.messages));
    told.wake();
  }), () => `${what}: ${JSON.stringify(told.messages)}`);
  c.connect();
  return { c, told };
}
const end = (told) => deadline(told.closed, () => `the close: ${JSON.stringify(told.messages)}`);
const finalsOf = (told) => told.messages.filter((m) => m.type === 'Results' && m.is_final);
const textOf = (told) => finalsOf(told).map((m) => best(m).transcript).filter(Boolean).join(' ');

test('deepgram sdk finals: it dictates live, ends with Metadata, and does not come again', { skip }, async () => {
  const { c, told } = await connect(server, { smart_format: 'true' });
  await c.waitForOpen();
  const { samples } = speak(words);
  for (let at = 0; at < samples.length; at += 4000) c.sendMedia(bytesOf(samples.subarray(at, at + 4000)));
  c.sendCloseStream({ type: 'CloseStream' });
  const close = await end(told);
  assert.equal(close.code, 1000);
  assertSaid(textOf(told), words);
  assert.equal(told.messages.at(-1).type, 'Metadata');
  assertSaid(best(finalsOf(told).find((m) => best(m).transcript)).words.map((w) => w.punctuated_word), words.split(' '));
  // One that reconnected would have opened a second stream by the time that another client has had a whole one.
  const again = await connect(server);
  await again.c.waitForOpen();
  again.c.sendMedia(bytesOf(samples));
  again.c.sendCloseStream({ type: 'CloseStream' });
  await end(again.told);
  assert.deepEqual([told.opened, told.errors, c.readyState], [1, [], 3]);
});

test('deepgram sdk partials, speech events, commit: interim results, SpeechStarted, UtteranceEnd and Finalize are as it has them', { skip }, async () => {
  await withServer(fake(), async (s) => {
    const { c, told } = await connect(s, { interim_results: 'true', vad_events: 'true', utterance_end_ms: '1000', endpointing: 300 });
    await c.waitForOpen();
    c.sendKeepAlive({ type: 'KeepAlive' });
    const speech = babble(2000);
    c.sendMedia(bytesOf(speech));
    await told.until((all) => all.find((m) => m.type === 'SpeechStarted'), 'SpeechStarted');
    await told.until((all) => all.find((m) => m.type === 'Results' && !m.is_final && best(m).transcript), 'an interim result');
    c.sendFinalize({ type: 'Finalize' });
    const finalized = await told.until((all) => all.find((m) => m.from_finalize), 'the answer to Finalize');
    assert.ok(finalized.is_final && best(finalized).transcript);
    c.sendMedia(bytesOf(silence(4000)));
    const ended = await told.until((all) => all.find((m) => m.type === 'UtteranceEnd'), 'UtteranceEnd');
    assert.equal(ended.last_word_end, best(finalized).words.at(-1).end);
    c.sendCloseStream({ type: 'CloseStream' });
    assert.equal((await end(told)).code, 1000);
    assert.deepEqual(told.errors, []);
  });
});

test('deepgram sdk sample rates: a WAV file is streamed as it is, without saying its encoding', { skip }, async () => {
  const { c, told } = await connect(server, { encoding: undefined, sample_rate: undefined });
  await c.waitForOpen();
  const file = wav(speak(words).samples);
  for (let at = 0; at < file.length; at += 65536) c.sendMedia(file.subarray(at, at + 65536));
  c.sendCloseStream({ type: 'CloseStream' });
  assert.equal((await end(told)).code, 1000);
  assertSaid(textOf(told), words);
});

test('deepgram sdk auth: a key that is not known is an error, and one that is lets it in', { skip }, async () => {
  await withKeys({ desk: {} }, {}, async (s, { desk }) => {
    const bad = await connect(s, { reconnectAttempts: 0 }, 'wrong');
    await assert.rejects(bad.c.waitForOpen());
    bad.c.close();
    assert.equal(bad.told.opened, 0);
    const good = await connect(s, {}, desk);
    await good.c.waitForOpen();
    good.c.sendCloseStream({ type: 'CloseStream' });
    assert.equal((await end(good.told)).code, 1000);
    await assert.rejects(client(s, 'wrong').listen.v1.media.transcribeFile(wav(babble(500)), { model: 'nova-3' }, { maxRetries: 0 }),
      (e) => e.statusCode === 401 && e.body.err_code === 'INVALID_AUTH');
  });
});

test('deepgram sdk prerecorded finals: it transcribes a buffer and a stream of a file', { skip }, async () => {
  const all = client(server).listen.v1.media;
  const body = await all.transcribeFile(wav(speak(words).samples), { model: 'nova-3', smart_format: true, utterances: true });
  const alternative = body.results.channels[0].alternatives[0];
  assertSaid(alternative.transcript, words);
  assertSaid(alternative.words.map((w) => w.punctuated_word), words.split(' '));
  assertSaid(body.results.utterances.map((u) => u.transcript).join(' '), words);
  const file = path.join(server.dir, 'a.wav');
  fs.writeFileSync(file, wav(speak(words).samples));
  const streamed = await all.transcribeFile(fs.createReadStream(file), { model: 'en' });
  assertSaid(streamed.results.channels[0].alternatives[0].transcript, words);
});

test('deepgram sdk prerecorded errors: refusals are its own errors, with their body', { skip }, async () => {
  const all = client(server).listen.v1.media;
  await assert.rejects(all.transcribeFile(Buffer.alloc(2000, 0x55), { model: 'nova-3' }, { maxRetries: 0 }),
    (e) => e instanceof sdk.DeepgramError && e.statusCode === 400 && e.body.err_code === 'BAD_REQUEST');
  await assert.rejects(all.transcribeUrl({ url: 'http://127.0.0.1/a.wav', model: 'nova-3' }, { maxRetries: 0 }),
    (e) => e.statusCode === 400 && /fetches no audio/.test(e.body.err_msg));
});
