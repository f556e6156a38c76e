// OpenAI's REST interface with stream=true: text that will not change, as it is heard.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server, withServer, fake } from './lib/server.mjs';
import { Client } from './lib/client.mjs';
import { withKeys } from './lib/keys.mjs';
import { babble, fault, join, silence } from './lib/speech.mjs';
import { wav } from './lib/audio.mjs';
import { postAndLeave } from './lib/leaving.mjs';
import { leftWell, terminate } from './lib/ops.mjs';
import { events, form, post } from './lib/protocols/openai_rest.mjs';

let server;
const speech = join(silence(400), babble(2500, 1), silence(1500), babble(2000, 2), silence(1200));
const quick = { 'pool.en.max': 2, 'server.partial_interval_ms': 100 };
before(async () => (server = await Server.start(fake(quick))));
after(async () => server.stop());

const streamed = (s, samples, fields = {}, options = {}) => post(s, { model: 'whisper-1', stream: 'true', ...fields }, wav(samples), options);
async function all(response) {
  const got = [];
  for await (const e of events(response)) got.push(e);
  return got;
}
const textOf = (got) => got.filter((e) => e.type === 'transcript.text.delta').map((e) => e.delta).join('');

test('openai-rest partials: deltas are never taken back, and one done event with the whole text and its usage ends them', async () => {
  for (const fields of [{}, { response_format: 'text', 'include[]': 'logprobs' }]) {
    const r = await streamed(server, speech, fields);
    assert.deepEqual([r.status, r.headers.get('content-type')], [200, 'text/event-stream']);
    const got = await all(r);
    const done = got.filter((e) => e.type === 'transcript.text.done');
    const whole = (await (await post(server, {}, wav(speech))).json()).text;
    assert.deepEqual(done, [{ type: 'transcript.text.done', text: whole, usage: { type: 'duration', seconds: Math.ceil(speech.length / 16000) } }]);
    assert.deepEqual(got.slice(-2), [done[0], '[DONE]']);
    assert.equal(textOf(got), whole);
    assert.ok(got.length >= 4, JSON.stringify(got));
  }
});

test('openai-rest partials: steady speech has its text every few seconds, in whole words', async () => {
  const steady = join(silence(400), ...Array.from({ length: 25 }, (_, i) => babble(1000, i + 1)), silence(1200));
  const got = await all(await streamed(server, steady));
  const deltas = got.filter((e) => e.type === 'transcript.text.delta').map((e) => e.delta);
  const [done] = got.filter((e) => e.type === 'transcript.text.done');
  assert.equal(deltas.join(''), done.text);
  assert.ok(deltas.length >= 5, JSON.stringify(deltas));
  for (const d of deltas.slice(1)) assert.match(d, /^ \S/, 'a delta begins with a word');
  for (const d of deltas) assert.ok(d.length < done.text.length / 2, d);
});

test('openai-rest partials: who wants speakers has one, whose segments come as they are said', async () => {
  const got = await all(await streamed(server, speech, { model: 'gpt-4o-transcribe-diarize', response_format: 'diarized_json' }));
  const segments = got.filter((e) => e.type === 'transcript.text.segment');
  assert.deepEqual(segments.map((e) => [e.id, e.speaker]), [['seg_0', 'A'], ['seg_1', 'A']]);
  assert.equal(segments.map((e) => e.text).join(''), ` ${textOf(got)}`);
});

test('openai-rest partials: the first text is there before the last is heard', async () => {
  await withServer(fake({ ...quick, 'pool.en.param.slow': 0.2 }), async (s) => {
    const long = join(silence(400), ...[1, 2, 3, 4, 5, 6].map((n) => join(babble(1500, n), silence(900))));
    const reading = events(await streamed(s, long));
    assert.equal((await reading.next()).value.type, 'transcript.text.delta');
    assert.equal((await s.status()).sessions.length, 1);
    let last;
    for await (const e of reading) last = e;
    assert.equal(last, '[DONE]');
  });
});

test('openai-rest finals: silence is a stream of no deltas', async () => {
  const got = await all(await streamed(server, silence(1000)));
  assert.deepEqual(got, [{ type: 'transcript.text.done', text: '', usage: { type: 'duration', seconds: 1 } }, '[DONE]']);
});

test('openai-rest errors: before the first text an answer like any other, after it the last event of the stream', async () => {
  const bad = await post(server, { stream: 'true' }, Buffer.from('a letter'));
  assert.deepEqual([bad.status, (await bad.json()).error.code], [400, 'invalid_audio']);
  const at = join(silence(400), babble(2500, 1), silence(1500), babble(400, 2), fault('fail', 'end'), babble(400, 2), silence(1200));
  const got = await all(await streamed(server, at));
  assert.ok(got.length >= 2 && got[0].type === 'transcript.text.delta', JSON.stringify(got));
  const { error } = got.at(-1);
  assert.deepEqual([error.type, error.code], ['server_error', 'engine']);
  assert.equal(got.filter((e) => e.type === 'transcript.text.done').length, 0);
});

test('openai-rest end: a client that leaves in the middle of a stream gives its place back', async () => {
  await withServer(fake({ ...quick, 'pool.en.param.slow': 1 }), async (s) => {
    const client = await postAndLeave(`http://${s.address}/v1/audio/transcriptions`, form({ model: 'whisper-1', stream: 'true' }, wav(join(speech, speech, speech))), { answered: true });
    await s.until(() => client.text().includes('transcript.text.delta'), 'something is told');
    await client.leave();
    await s.checkSums();
    await s.says(/client left before the end of the stream/);
  });
});

test('openai-rest end: a stream goes on to its end while the server drains', async () => {
  const s = await Server.start(fake({ ...quick, 'pool.en.param.slow': 0.5 }));
  const r = await streamed(s, join(silence(400), babble(4000), silence(100)));
  terminate(s);
  assert.equal((await all(r)).at(-1), '[DONE]');
  await leftWell(s);
  await s.stop({ sums: false });
});

test('openai-rest queue: a full one is an HTTP answer, also for a stream', async () => {
  await withServer(fake({ 'pool.en.max': 1, 'pool.en.lease': 'session', 'pool.en.queue_max': 0 }), async (s) => {
    const holder = await Client.start(s);
    await holder.event('ready');
    const r = await streamed(s, babble(500));
    assert.deepEqual([r.status, r.headers.get('retry-after') !== null], [429, true]);
    assert.equal((await r.json()).error.type, 'rate_limit_error');
    await holder.finish();
  });
});

test('openai-rest errors: a translation is refused in words, and not without a key', async () => {
  const path = '/v1/audio/translations';
  const r = await post(server, { model: 'whisper-1' }, wav(babble(500)), { path });
  assert.equal(r.status, 400);
  assert.match((await r.json()).error.message, /engines do not translate/);
  await withKeys({ alice: {} }, {}, async (s) => assert.equal((await post(s, {}, wav(babble(100)), { path })).status, 401));
});
