// OpenAI's REST interface: a file goes in as a form, its text comes out in each format.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Server, withServer, run, set, fake } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { sentences, speak, babble, fault, join, silence } from './lib/speech.mjs';
import { assertSaid } from './lib/words.mjs';
import { wav } from './lib/audio.mjs';
import { postAndLeave } from './lib/leaving.mjs';
import { leftWell, midUtterance, terminate, toldToMove } from './lib/ops.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-openai-'));
const PATH = '/v1/audio/transcriptions';
let server, native;
const speech = join(speak(sentences[0]).samples, silence(1500), speak(sentences[1]).samples);
const text = sentences.join(' ');

before(async () => {
  server = await Server.start(set({ 'pool.en.max': 2 }));
  native = await dictate(server, speech);
});
after(async () => {
  fs.rmSync(dir, { recursive: true });
  await server.stop();
});

const url = (s, at = PATH) => `http://${s.address}${at}`;
function form(fields, bytes = wav(speech)) {
  const f = new FormData();
  if (bytes) f.append('file', new Blob([bytes]), 'speech.wav');
  for (const [name, value] of Object.entries(fields)) for (const v of [value].flat()) f.append(name, v);
  return f;
}
const post = (s, fields, bytes, options = {}) => fetch(url(s), { method: 'POST', body: form(fields, bytes), ...options });
async function refused(response, status, want) {
  const r = await response;
  const body = await r.text();
  assert.equal(r.status, status, body);
  assert.match(r.headers.get('content-type'), /application\/json/);
  assert.match(r.headers.get('x-request-id'), /^req_[0-9a-f]{32}$/); // and one only
  const { error } = JSON.parse(body);
  assert.deepEqual(Object.keys(error), ['message', 'type', 'param', 'code']);
  for (const [k, v] of Object.entries(want)) v instanceof RegExp ? assert.match(error[k], v) : assert.equal(error[k], v, k);
  return r;
}

const stamp = (ms, point) => new Date(ms).toISOString().slice(11, 23).replace('.', point);
// What is said is short, so each final is one segment; its times are those of its words.
const said = (f) => ({ start: f.words[0].start_ms, end: f.words.at(-1).end_ms });
const cues = (point, numbered) => native.finals.map((f, i) =>
  `${numbered ? `${i + 1}\n` : ''}${stamp(said(f).start, point)} --> ${stamp(said(f).end, point)}\n${f.text}\n\n`).join('');

// ---- formats ----

test('json is the text that the native protocol gives, and how long the audio was', async () => {
  for (const fields of [{ model: 'whisper-1' }, { model: 'en', response_format: 'json' }, { model: '' }, {},
    { model: 'en', language: 'en', prompt: 'a letter', temperature: '0.2', 'include[]': 'logprobs', stream: 'false' }]) {
    const r = await post(server, fields);
    assert.equal(r.status, 200);
    assert.match(r.headers.get('content-type'), /application\/json/);
    assertSaid(await r.json(), { text, languages: [{ code: 'en' }], usage: { type: 'duration', seconds: Math.ceil(speech.length / 16000) } });
  }
  assertSaid(native.text, text);
});

for (const [format, type, want] of [
  ['text', 'text/plain; charset=utf-8', () => `${native.text}\n`],
  ['srt', 'text/plain; charset=utf-8', () => cues(',', true)],
  ['vtt', 'text/plain; charset=utf-8', () => `WEBVTT\n\n${cues('.', false)}`],
]) {
  test(`${format}`, async () => {
    const r = await post(server, { model: 'whisper-1', response_format: format });
    assert.deepEqual([r.status, r.headers.get('content-type'), await r.text()], [200, type, want()]);
  });
}

test('verbose_json has segments, and words for who asks for them', async () => {
  const s = (ms) => ms / 1000;
  const words = native.finals.flatMap((f) => f.words.map((w) => ({ word: w.text, start: s(w.start_ms), end: s(w.end_ms) })));
  const ask = async (fields) => (await post(server, { model: 'en', response_format: 'verbose_json', ...fields })).json();
  const plain = await ask({});
  const heardAs = native.finals[0].language ? 'english' : 'en'; // an engine that knows the language tells its name, else it is the pool's
  assertSaid([plain.task, plain.language, plain.text, plain.words], ['transcribe', heardAs, text, undefined]);
  assert.ok(Math.abs(plain.duration - speech.length / 16000) < 0.02, `${plain.duration}`);
  assert.deepEqual(plain.segments.map((g) => [g.id, g.start, g.end, g.text]),
    native.finals.map((f, i) => [i, s(said(f).start), s(said(f).end), ` ${f.text}`]));
  assertSaid(plain.segments.map((g) => g.text).join('').trim(), text);
  assert.deepEqual(Object.keys(plain.segments[0]),
    ['id', 'seek', 'start', 'end', 'text', 'tokens', 'temperature', 'avg_logprob', 'compression_ratio', 'no_speech_prob']);
  const both = await ask({ 'timestamp_granularities[]': ['word', 'segment'], language: 'en-GB' });
  assert.deepEqual([both.words, both.segments.length, both.language], [words, 2, heardAs]);
  const only = await ask({ timestamp_granularities: 'word' });
  assert.deepEqual([only.words, only.segments], [words, undefined]);
});

test('language-label: the language is that which heard it, and who asked for another is warned', async () => {
  await withServer([...fake(), '--set', 'pool.pt-BR.engine=fake', '--set', 'pool.pt-BR.max=1'], async (s) => {
    for (const [fields, language, warned] of [[{}, 'en', null], [{ language: 'en-GB' }, 'en', null], [{ language: 'pt' }, 'pt', null], [{ language: 'de' }, 'en', 'de'],
      [{ language: 'xx' }, 'en', 'xx'], [{ model: 'pt-BR', language: 'en' }, 'pt', 'en'], [{ 'languages[]': ['de', 'pt'] }, 'pt', null]]) {
      const asked = JSON.stringify(fields);
      const warning = warned && `299 stenopool "language '${warned}' is not heard for this client; what it says is heard by pool '${language === 'pt' ? 'pt-BR' : 'en'}'"`;
      for (const more of [{ response_format: 'verbose_json' }, { response_format: 'json' }, { response_format: 'srt' }, { stream: 'true' }]) {
        const r = await post(s, { ...fields, ...more }, wav(babble(500)));
        assert.deepEqual([r.status, r.headers.get('warning')], [200, warning], asked);
        const body = await r.text();
        if (more.response_format === 'verbose_json') assert.equal(JSON.parse(body).language, language, asked);
        if (more.response_format === 'json') assert.deepEqual(JSON.parse(body).languages, [{ code: language }], asked);
      }
    }
  });
});

test('openai-srt-long-cue: what is said without a pause is cut between words, at most 7 s and 84 characters', async () => {
  const ask = async (response_format, more = {}) => (await post(server, { response_format, ...more }, wav(spoken))).text();
  const spoken = join(silence(700), ...Array.from({ length: 6 }, () => speak(sentences[0]).samples));
  const verbose = JSON.parse(await ask('verbose_json', { 'timestamp_granularities[]': ['word', 'segment'] }));
  const long = (await dictate(server, spoken)).finals;
  assert.ok(verbose.segments.length > long.length, 'one utterance is several segments');
  assert.equal(verbose.segments.map((g) => g.text).join(''), ` ${verbose.text}`);
  let at = 0;
  for (const g of verbose.segments) {
    assert.ok(g.end - g.start <= 7 && g.text.trim().length <= 84, JSON.stringify(g));
    const its = verbose.words.slice(at, (at += g.text.trim().split(' ').length));
    assert.deepEqual([g.start, g.end], [its[0].start, its.at(-1).end]);
  }
  assert.ok(verbose.segments[0].start > 0.5, 'the silence before it is none of its time');
  assert.equal((await ask('srt')).split('\n\n').length - 1, verbose.segments.length);
  const diarized = JSON.parse(await ask('diarized_json', { model: 'gpt-4o-transcribe-diarize' }));
  assert.deepEqual(diarized.segments, verbose.segments.map((g) => ({ id: `seg_${g.id}`, type: 'transcript.text.segment', start: g.start, end: g.end, speaker: 'A', text: g.text })));
  assert.deepEqual([diarized.text, diarized.task, diarized.duration], [verbose.text, 'transcribe', verbose.duration]);
});

test('every answer has an x-request-id of its own, and every error one form', async () => {
  const seen = new Set();
  const id = (r) => {
    const value = r.headers.get('x-request-id');
    assert.match(value, /^req_[0-9a-f]{32}$/);
    assert.ok(!seen.has(value));
    seen.add(value);
  };
  for (const fields of [{}, { response_format: 'srt' }, { stream: 'true' }]) id(await post(server, fields, wav(babble(300))));
  id(await fetch(url(server, '/v1/models')));
  for (const [status, request] of [
    [400, post(server, { temperature: '2' }, wav(babble(300)))],
    [404, fetch(url(server, '/v1/audio/speech'), { method: 'POST', body: '{}' })],
    [404, fetch(url(server, '/v1/realtime/client_secrets'), { method: 'POST', body: '{}' })],
    [405, fetch(url(server))],
    [405, fetch(url(server, '/v1/models'), { method: 'POST', body: '{}' })],
    [400, fetch(url(server, '/v1/audio/translations'), { method: 'POST', body: '{}' })],
    [426, fetch(url(server, '/v1/realtime'))],
  ]) {
    id(await refused(request, status, { type: 'invalid_request_error' }));
  }
});

test('silence has no text, and is no mistake', async () => {
  const r = await (await post(server, { response_format: 'verbose_json' }, wav(silence(1000)))).json();
  assert.deepEqual([r.text, r.segments, r.duration], ['', [], 1]);
  assert.equal(await (await post(server, { response_format: 'vtt' }, wav(silence(100)))).text(), 'WEBVTT\n\n');
});

test('models are the pools, and the names that stand for any of them', async () => {
  const models = async (s) => (await (await fetch(url(s, '/v1/models'))).json()).data;
  const list = await models(server);
  assert.deepEqual(list.map((m) => [m.id, m.object, m.owned_by]), [['en', 'model', 'stenopool'],
    ...['whisper-1', 'gpt-4o-transcribe', 'gpt-4o-mini-transcribe', 'gpt-4o-transcribe-diarize', 'gpt-transcribe'].map((id) => [id, 'model', 'openai'])]);
  for (const { id, owned_by } of list) {
    const m = await (await fetch(url(server, `/v1/models/${id}`))).json();
    assert.deepEqual([m.id, m.owned_by], [id, owned_by]);
  }
  const any = await (await fetch(url(server, '/v1/models/Systran/faster-whisper-small'))).json();
  assert.deepEqual([any.id, any.owned_by], ['Systran/faster-whisper-small', 'openai']);
  await withServer(fake({ 'server.openai_models': 'base, en' }), async (s) => {
    assert.deepEqual((await models(s)).map((m) => m.id), ['en', 'base']);
    await refused(fetch(url(s, '/v1/models/xx')), 404, { code: 'model_not_found', param: 'model' });
    assert.equal((await post(s, { model: 'base' }, wav(babble(600)))).status, 200);
    await refused(post(s, { model: 'whisper-1' }, wav(babble(600))), 404, { code: 'model_not_found', param: 'model', message: /"whisper-1"; there is: en/ });
  });
});

test('openai-rest-model-name: any model\'s name will do, and each that is listed is answered', async () => {
  const listed = (await (await fetch(url(server, '/v1/models'))).json()).data.map((m) => m.id);
  for (const model of ['small', 'large-v3', 'whisper-large-v3', 'Systran/faster-whisper-small', 'gpt-4o-mini-transcribe-2025-12-15', 'gpt-realtime-whisper', ...listed])
    assert.equal((await post(server, { model }, wav(babble(300)))).status, 200, model);
});

test('a model of OpenAI\'s is the first pool of the language that is said; one of ours is that one', async () => {
  const pools = ['large', 'de-small', 'de'].flatMap((name) => ['--set', `pool.${name}.engine=fake`, '--set', `pool.${name}.max=1`]);
  await withServer([...fake(), ...pools], async (s) => {
    for (const [fields, pool] of [[{}, 'en'], [{ language: 'de' }, 'de'], [{ language: 'de-AT', model: 'gpt-4o-mini-transcribe' }, 'de-small'],
      [{ language: 'fr', model: 'whisper-1' }, 'en'], [{ language: 'en' }, 'en'], [{ language: 'de', model: 'large' }, 'large'], [{ language: 'en', model: 'de' }, 'de']]) {
      const before = (await s.metrics())[`pool_utterances_ended_total{pool="${pool}"}`];
      assert.equal((await post(s, fields, wav(babble(600)))).status, 200);
      assert.ok((await s.metrics())[`pool_utterances_ended_total{pool="${pool}"}`] > before, `${JSON.stringify(fields)} is heard by ${pool}`);
    }
  });
});

// ---- refusals ----

for (const [name, fields, bytes, status, want] of [
  ['no file', { model: 'en' }, null, 400, { param: 'file', type: 'invalid_request_error', message: /there is no file/ }],
  ['an empty file', {}, Buffer.alloc(0), 400, { param: 'file', message: /^not audio: it is empty$/ }],
  ['not audio', {}, Buffer.from('a letter'), 400, { param: 'file', code: 'invalid_audio', message: /^not audio: it is none of WAV, FLAC, Ogg, MP3/ }],
  ['a WAV file cut in its header', {}, wav(silence(100)).subarray(0, 30), 400, { param: 'file', message: /ends before its audio/ }],
  ['a format that is not there', { response_format: 'xml' }, undefined, 400, { param: 'response_format', message: /json, text, srt/ }],
  ['a temperature out of range', { temperature: '1.5' }, undefined, 400, { param: 'temperature', message: /from 0 to 1, not "1.5"/ }],
  ['times where the format has none', { 'timestamp_granularities[]': 'word' }, undefined, 400, { param: 'timestamp_granularities[]', message: /must be verbose_json/ }],
  ['a granularity that is not there', { 'timestamp_granularities[]': 'letter', response_format: 'verbose_json' }, undefined, 400, { message: /word or segment/ }],
  ['a stream that is neither', { stream: 'yes' }, undefined, 400, { param: 'stream', message: /true or false, not "yes"/ }],
  ['a stream of subtitles', { stream: 'true', response_format: 'srt' }, undefined, 400, { param: 'stream', message: /json, text or diarized_json/ }],
]) {
  test(`${name} is refused with ${status} and a sentence`, () => refused(post(server, fields, bytes), status, want));
}

test('what is no form is refused; GET is not allowed', async () => {
  await refused(fetch(url(server), { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }), 400,
    { message: /must be multipart\/form-data, not application\/json/ });
  assert.equal((await fetch(url(server))).status, 405);
});

test('a file over max_body_bytes is refused with 413, whole or in chunks', async () => {
  await withServer(fake({ 'server.max_body_bytes': 100000 }), async (s) => {
    const want = { code: 'limit', message: /max_body_bytes 100000/ };
    assert.equal((await post(s, {}, wav(babble(1000)))).status, 200);
    await refused(post(s, {}, wav(babble(4000))), 413, want);
    await refused(fetch(url(s), { method: 'POST', duplex: 'half', body: new Blob([wav(babble(4000))]).stream(),
      headers: { 'content-type': 'multipart/form-data; boundary=a' } }), 413, want);
  });
});

test('a server with keys lets in who has one', async () => {
  const file = path.join(dir, 'keys');
  const key = (await run(['keys', 'add', 'alice', '--file', file])).stdout.trim();
  await withServer(fake({ 'server.keys_file': file }), async (s) => {
    const bearer = (k) => ({ headers: { authorization: `Bearer ${k}` } });
    const want = { code: 'invalid_api_key', type: 'invalid_request_error' };
    const r = await refused(post(s, {}, wav(babble(500))), 401, want);
    assert.equal(r.headers.get('www-authenticate'), 'Bearer');
    await refused(post(s, {}, wav(babble(500)), bearer('sk-no')), 401, want);
    await refused(fetch(url(s, '/v1/models')), 401, want);
    assert.equal((await fetch(url(s, '/v1/models'), bearer(key))).status, 200);
    assert.equal((await post(s, {}, wav(babble(500)), bearer(key))).status, 200);
  });
});

// ---- places ----

const single = { 'pool.en.max': 1, 'pool.en.lease': 'session', 'pool.en.queue_max': 1 };
async function place(s) {
  const c = await Client.start(s);
  await c.event('ready');
  return c;
}

test('a full queue is 429 with Retry-After; who waits in it is heard in turn', async () => {
  await withServer(fake(single), async (s) => {
    const c = await place(s);
    const waiting = post(s, {}, wav(babble(800)));
    await s.until(async () => (await s.status()).sessions.some((x) => x.state === 'queued'), 'one waits');
    const r = await refused(post(s, {}, wav(babble(800))), 429,
      { type: 'rate_limit_error', code: 'busy', message: /the queue is full \(queue_max 1\)/ });
    assert.ok(Number(r.headers.get('retry-after')) >= 1);
    await c.finish();
    assert.notEqual((await (await waiting).json()).text, '');
  });
});

test('a client that leaves gives its place back at once, waiting or being heard', async () => {
  await withServer(fake({ ...single, 'pool.en.param.slow': 0.5 }), async (s) => {
    for (const state of ['heard', 'queued']) {
      const c = state === 'queued' ? await place(s) : null;
      const client = await postAndLeave(url(s), form({}, wav(babble(60000))));
      await s.until(async () => (await s.status()).sessions.some((x) => (x.state === 'queued') === (state === 'queued')), 'it is there');
      await client.leave();
      await s.untilMetric('sessions', c ? 1 : 0);
      if (c) await c.finish();
    }
    assert.equal((await post(s, {}, wav(babble(300)))).status, 200);
  });
});

test('more audio than a session keeps is fed as it is heard', async () => {
  await withServer(fake({ 'server.session_buffer_ms': 1000 }), async (s) => {
    const sound = join(...Array.from({ length: 12 }, (_, i) => join(babble(900, i), silence(1000))));
    const c = await dictate(s, sound);
    const r = await (await post(s, { response_format: 'verbose_json' }, wav(sound))).json();
    assert.equal(r.segments.length, 12);
    assert.equal(r.text, c.text);
  });
});

test('an utterance that cannot be heard is 500, not half a text', async () => {
  await withServer(fake(), async (s) => {
    const sound = join(babble(600), silence(1500), babble(600), fault('fail'), silence(200));
    await refused(post(s, {}, wav(sound)), 500, { type: 'server_error' });
  });
});

// ---- a server that leaves ----

test('a file that is being heard when the server drains is heard to its end; a new one is 503', async () => {
  const s = await Server.start(fake({ 'pool.en.param.end_ms': 600 }));
  try {
    const other = await midUtterance(s);
    const asked = post(s, {}, wav(babble(800)));
    await s.until(async () => (await s.status()).sessions.length === 2, 'it is being heard');
    terminate(s);
    await s.says(/draining/);
    const r = await refused(post(s, {}, wav(babble(800))), 503, { code: 'restarting', type: 'server_error' });
    assert.equal(r.headers.get('retry-after'), '1');
    assert.notEqual((await (await asked).json()).text, '');
    other.send({ type: 'commit' });
    await toldToMove(other);
    await leftWell(s);
  } catch (e) {
    s.abandon();
    throw e;
  }
  await s.stop({ sums: false });
});

test('the last client of a server that drains gets its answer', async () => {
  const s = await Server.start(fake({ 'pool.en.param.end_ms': 600 }));
  const asked = post(s, {}, wav(babble(800)));
  await s.until(async () => (await s.status()).sessions.length === 1, 'it is being heard');
  terminate(s);
  assert.notEqual((await (await asked).json()).text, '');
  await leftWell(s);
  await s.stop({ sums: false });
});

test('the last client of a server that drains may leave before its answer', async () => {
  const s = await Server.start(fake({ 'pool.en.param.end_ms': 5000 }));
  const client = await postAndLeave(url(s), form({}, wav(babble(800))));
  await s.until(async () => (await s.status()).sessions.length === 1, 'it is being heard');
  terminate(s);
  await s.says(/draining/);
  await client.leave();
  await leftWell(s);
  await s.says(/leaving with no session open/);
  await s.stop({ sums: false });
});

// ---- other clients ----

test('a form in chunks, written byte by byte, on a connection that is kept', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n';
  const body = Buffer.concat([Buffer.from(head), wav(speak(sentences[0]).samples), Buffer.from('\r\n--b--\r\n')]);
  for (let i = 0; i < 2; i++) {
    const answer = await new Promise((resolve, reject) => {
      const req = http.request(url(server), { method: 'POST', agent, headers: { 'content-type': 'multipart/form-data; boundary=b' } }, (res) => {
        let all = '';
        res.on('data', (d) => (all += d));
        res.on('end', () => resolve(all));
      });
      req.on('error', reject);
      for (let at = 0; at < 300; at++) req.write(body.subarray(at, at + 1));
      req.end(body.subarray(300));
    });
    assertSaid(JSON.parse(answer).text, sentences[0]);
  }
  agent.destroy();
});

const curl = (...args) => promisify(execFile)('curl', ['-sS', '--max-time', '60', ...args]).then((r) => r.stdout);
const noCurl = await curl('--version').then(() => false, () => 'there is no curl');

test('curl -F, with Expect: 100-continue, and in chunks', { skip: noCurl }, async () => {
  const file = path.join(dir, 'long.wav');
  fs.writeFileSync(file, wav(join(speech, silence(40000)))); // over 1 MiB curl asks first
  const args = ['-F', `file=@${file}`, '-F', 'model=whisper-1', '-F', 'response_format=text', url(server)];
  assert.equal(await curl(...args), `${native.text}\n`);
  assert.equal(await curl('-H', 'Expect: 100-continue', ...args), `${native.text}\n`);
  assert.equal(await curl('-H', 'Transfer-Encoding: chunked', ...args), `${native.text}\n`);
});
