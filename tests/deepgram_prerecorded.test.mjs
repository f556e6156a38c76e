// Deepgram's POST /v1/listen: a file goes in, what was heard in it comes out.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { sanitizer, withServer, fake, set } from './lib/server.mjs';
import { clip, babble, silence, join, fault } from './lib/speech.mjs';
import { assertSaid } from './lib/words.mjs';
import { encode, stereo, wav } from './lib/audio.mjs';
import { bearer, withKeys } from './lib/keys.mjs';
import { postAndLeave } from './lib/leaving.mjs';
import { post } from './lib/protocols/deepgram_prerecorded.mjs';

// What a process has for itself, in KiB: pages of files, which the kernel may drop, do not count.
const memoryKb = (pid, key) => Number(fs.readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`${key}:\\s+(\\d+)`))[1]);
const noFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'there is no ffmpeg';
const one = fake();
const best = (body) => body.results.channels[0].alternatives[0];
const speech = join(babble(1500), silence(1500), babble(1500, 2), silence(1000));
async function heard(server, query, bytes, options) {
  const r = await post(server, query, bytes, options);
  const body = await r.json();
  assert.equal(r.status, 200, JSON.stringify(body));
  assert.equal(r.headers.get('dg-request-id'), body.metadata.request_id);
  return body;
}
async function refused(response, status, code, sentence) {
  const r = await response;
  const body = await r.json();
  assert.deepEqual([r.status, body.err_code], [status, code], JSON.stringify(body));
  assert.match(body.err_msg, sentence);
  assert.match(body.request_id, /^[0-9a-f-]{36}$/);
  assert.equal(r.headers.get('dg-request-id'), body.request_id);
  assert.match(r.headers.get('dg-error'), sentence);
  return r;
}

test('deepgram prerecorded finals: a real clip is heard, and the metadata is of it', async () => {
  await withServer(set({ 'pool.en.max': 2 }), async (server) => {
    const c = clip('goforward');
    const body = await heard(server, { model: 'nova-3', smart_format: true, utterances: true, paragraphs: true }, wav(c.samples));
    assertSaid(best(body).transcript, clip('goforward').words);
    const { metadata, results } = body;
    assert.equal(metadata.sha256, crypto.createHash('sha256').update(wav(c.samples)).digest('hex'));
    assert.ok(Math.abs(metadata.duration - c.samples.length / 16000) < 0.02);
    assert.equal(metadata.channels, 1);
    assert.equal(metadata.model_info[metadata.models[0]].name, 'en');
    assert.equal(results.channels[0].detected_language, undefined);
    assertSaid(results.utterances.map((u) => [u.transcript, u.channel]), [[clip('goforward').words, 0]]);
    assert.deepEqual(results.utterances[0].words, best(body).words);
  });
});

test('deepgram prerecorded finals: the digest is of the whole body, long or raw', async () => {
  await withServer(one, async (server) => {
    const long = join(speech, silence(60000));
    const raw = encode(long, 'pcm_s16le');
    for (const [query, bytes] of [[{}, wav(long)], [{ encoding: 'linear16', sample_rate: 16000 }, raw]]) {
      const body = await heard(server, query, bytes);
      assert.equal(body.metadata.sha256, crypto.createHash('sha256').update(bytes).digest('hex'));
      assert.ok(best(body).transcript);
    }
  });
});

test('deepgram prerecorded word times: words follow each other, in seconds of the file, punctuated where asked for', async () => {
  await withServer(set({ 'pool.en.max': 2 }), async (server) => {
    const words = best(await heard(server, { punctuate: true }, wav(join(silence(2000), clip('goforward').samples)))).words;
    assertSaid(words.map((w) => w.punctuated_word), clip('goforward').words.split(' '));
    let at = 2;
    for (const w of words) {
      assert.ok(w.start >= at && w.end > w.start && w.confidence >= 0 && w.confidence <= 1, JSON.stringify(words));
      at = w.start;
    }
  });
});

test('language-label: the language that is said to be detected is that of who heard it, and another one is warned of', async () => {
  await withServer(fake({ 'pool.pt-BR.engine': 'fake', 'pool.pt-BR.max': 1 }), async (server) => {
    for (const [language, detected, warned] of [[undefined, 'en', false], ['en-GB', 'en', false], ['de', 'en', true], ['pt', 'pt', false]]) {
      const body = await heard(server, { detect_language: true, ...(language && { language }) }, wav(babble(600)));
      assert.equal(body.results.channels[0].detected_language, detected);
      const told = (body.metadata.warnings ?? []).filter((w) => w.parameter === 'language');
      assert.deepEqual(told.map((w) => w.type), warned ? ['unsupported_language'] : [], `${language}: ${JSON.stringify(body.metadata)}`);
    }
  });
});

test('deepgram prerecorded sample rates: raw audio of each encoding is heard as its file is', async () => {
  await withServer(one, async (server) => {
    const body = await heard(server, { utterances: true, detect_language: true, model: 'en' }, wav(speech));
    const { transcript } = best(body);
    assert.equal(body.results.channels[0].detected_language, 'en');
    assert.equal(body.results.utterances.length, 2);
    assert.equal(body.results.utterances.map((u) => u.transcript).join(' '), transcript);
    const bytes = encode(speech, 'pcm_s16le');
    for (const [query, audio] of [
      [{ encoding: 'linear16', sample_rate: 16000 }, bytes],
      [{ encoding: 'linear32', sample_rate: 16000 }, encode(speech, 'pcm_f32le')],
      [{ encoding: 'linear16', sample_rate: 16000, channels: 2 }, encode(stereo(speech), 'pcm_s16le')],
    ]) {
      assert.equal(best(await heard(server, query, audio, { type: 'application/octet-stream' })).transcript, transcript, JSON.stringify(query));
    }
    assert.ok(best(await heard(server, { encoding: 'mulaw', sample_rate: 16000 }, encode(speech, 'mulaw'))).transcript);
    assert.equal(best(await heard(server, {}, wav(silence(1000)))).transcript, '');
  });
});

test('deepgram prerecorded sample rates: a file that is no WAV is decoded', { skip: noFfmpeg }, async () => {
  await withServer(one, async (server) => {
    const flac = execFileSync('ffmpeg', ['-nostdin', '-loglevel', 'error', '-f', 'wav', '-i', '-', '-f', 'flac', '-'], { input: wav(speech) });
    assert.equal(best(await heard(server, {}, flac)).transcript, best(await heard(server, {}, wav(speech))).transcript);
  });
});

test('deepgram prerecorded errors: what cannot be is refused in the words of its clients', async () => {
  await withServer([...one, '--set', 'server.max_body_bytes=200000'], async (server) => {
    await refused(post(server, {}, Buffer.alloc(3000, 0x55)), 400, 'BAD_REQUEST', /not audio/);
    await refused(post(server, {}, ''), 400, 'BAD_REQUEST', /./);
    await refused(post(server, { punctuate: 'loud' }, wav(speech.subarray(0, 1600))), 400, 'BAD_REQUEST', /punctuate is 'loud'/);
    await refused(post(server, { encoding: 'linear16' }, 'x'), 400, 'BAD_REQUEST', /sample_rate/);
    await refused(post(server, { callback: 'http://127.0.0.1/' }, wav(speech.subarray(0, 1600))), 400, 'BAD_REQUEST', /calls nobody back/);
    await refused(post(server, {}, '{"url":"http://127.0.0.1/a.wav"}', { type: 'application/json' }), 400, 'BAD_REQUEST', /fetches no audio/);
    await refused(post(server, {}, Buffer.alloc(300000)), 413, 'PAYLOAD_TOO_LARGE', /max_body_bytes 200000/);
    const broken = babble(1500);
    broken.set(fault('fail', 'end'), 8000);
    const lost = await post(server, {}, wav(join(broken, silence(1000)))); // nothing of it had settled, or something
    const body = await lost.json();
    assert.deepEqual(lost.status === 200 ? body.results.incomplete : [lost.status, body.err_code], lost.status === 200 ? true : [500, 'INTERNAL_SERVER_ERROR']);
    assert.ok(best(await heard(server, {}, wav(speech))).transcript);
  });
});

test('deepgram prerecorded finals: utterances are cut at pauses between words, and paragraphs have every word', async () => {
  await withServer(one, async (server) => {
    const said = join(babble(1500), silence(1500), babble(1500, 2), silence(3500), babble(1500, 3), silence(1000));
    const body = await heard(server, { utterances: true, paragraphs: true }, wav(said));
    const { words, transcript, paragraphs } = best(body);
    assert.deepEqual(body.results.utterances.map((u) => u.words.length).reduce((a, b) => a + b), words.length);
    assert.equal(body.results.utterances.length, 3);
    assert.equal(body.results.utterances.map((u) => u.transcript).join(' '), transcript);
    assert.equal(paragraphs.paragraphs.length, 2);
    assert.deepEqual(paragraphs.paragraphs.map((p) => p.sentences.length), [2, 1]);
    assert.equal(paragraphs.paragraphs.map((p) => p.num_words).reduce((a, b) => a + b), words.length);
    assert.equal(paragraphs.transcript.split(/\s+/).join(' '), transcript);
    assert.deepEqual([paragraphs.paragraphs[0].start, paragraphs.paragraphs.at(-1).end], [words[0].start, words.at(-1).end]);
    const whole = await heard(server, { utterances: true, utt_split: 10 }, wav(said));
    assert.deepEqual(whole.results.utterances.map((u) => u.transcript), [transcript]);
    assert.equal(best(whole).paragraphs, undefined);
  });
});

// Two speakers, a channel each.
const left = join(babble(1500), silence(3000));
const right = join(silence(2500), babble(1500, 2), silence(500));
const both = new Int16Array(2 * left.length);
for (let i = 0; i < left.length; i++) [both[2 * i], both[2 * i + 1]] = [left[i], right[i]];
const flacOf = (bytes) => execFileSync('ffmpeg', ['-nostdin', '-loglevel', 'error', '-f', 'wav', '-i', '-', '-f', 'flac', '-'], { input: bytes, maxBuffer: 1 << 26 });

async function checkChannels(server, query, bytes, options) {
  const alone = [];
  for (const one of [left, right]) alone.push(best(await heard(server, {}, wav(one), options)).transcript);
  const body = await heard(server, { multichannel: true, utterances: true, ...query }, bytes, options);
  assert.equal(body.metadata.channels, 2);
  assert.deepEqual(body.results.channels.map((c) => c.alternatives[0].transcript), alone);
  assert.deepEqual(body.results.utterances.map((u) => [u.channel, u.transcript]), alone.map((text, i) => [i, text]));
  assert.ok(Math.abs(body.metadata.duration - left.length / 16000) < 0.05);
  return body;
}

test('clients/deepgram-multichannel-file: each channel of a file is heard for itself, of WAV and of raw audio', async () => {
  await withServer(one, async (server) => {
    await checkChannels(server, {}, wav(both, { channels: 2 }));
    await checkChannels(server, { encoding: 'linear16', sample_rate: 16000, channels: 2 }, encode(both, 'pcm_s16le'));
    const mono = await heard(server, { multichannel: true }, wav(left));
    assert.deepEqual([mono.metadata.channels, mono.results.channels.length], [1, 1]);
    const mixed = await heard(server, {}, wav(both, { channels: 2 }));
    assert.deepEqual([mixed.metadata.channels, mixed.results.channels.length], [1, 1]);
  });
});

test('clients/deepgram-multichannel-file: each channel of a file that is decoded is heard for itself', { skip: noFfmpeg }, async () => {
  await withServer(one, async (server) => {
    await checkChannels(server, {}, flacOf(wav(both, { channels: 2 })));
    const mono = await heard(server, { multichannel: true }, flacOf(wav(left)));
    assert.equal(mono.results.channels.length, 1);
  });
});

test('clients/deepgram-multichannel-file: where there is room for one only, its channels are heard one after the other', async () => {
  for (const queue of [0, 5]) {
    await withServer(fake({ 'pool.en.max': 1, 'pool.en.queue_max': queue, 'server.session_buffer_ms': 1000 }), async (server) => {
      const long = wav(stereo(join(...Array(4).fill(speech))), { channels: 2 });
      const [a, b] = (await heard(server, { multichannel: true }, long)).results.channels.map((c) => c.alternatives[0].transcript);
      assert.ok(a.length > 0);
      assert.equal(a, b);
      await checkChannels(server, {}, wav(both, { channels: 2 }));
      if (queue > 0) { // and two such files wait for each other
        const all = await Promise.all([1, 2, 3].map(() => heard(server, { multichannel: true }, long)));
        for (const body of all) assert.deepEqual(body.results.channels.map((c) => c.alternatives[0].transcript), [a, a]);
      }
      await server.until(async () => (await server.status()).sessions.length === 0, 'no session is left');
    });
  }
});

test('clients/deepgram-multichannel-file: a key that may have one session has its channels heard one after the other', async () => {
  await withKeys({ desk: { sessions: 1 } }, {}, async (server, { desk }) => {
    await checkChannels(server, {}, wav(both, { channels: 2 }), bearer(desk));
  });
});

test('deepgram prerecorded errors: what is asked for and not done is told in the metadata, and labels come back', async () => {
  await withServer(one, async (server) => {
    const body = await heard(server, [['diarize', true], ['summarize', 'v2'], ['interim_results', true], ['tag', 'a'], ['tag', 'b'], ['extra', 'k:v:w']], wav(speech));
    assert.deepEqual(body.metadata.warnings.map((w) => w.parameter), ['diarize', 'summarize', 'interim_results']);
    assert.deepEqual([body.metadata.tags, body.metadata.extra], [['a', 'b'], { k: 'v:w' }]);
    const r = await post(server, { topics: true }, wav(speech));
    assert.equal(r.headers.get('dg-warning'), 'no effect: topics');
    const { metadata } = await heard(server, { utterances: true, utt_split: 0.5, paragraphs: true, multichannel: true }, wav(speech));
    assert.equal(metadata.warnings, undefined);
    await refused(post(server, { redact: 'pci' }, wav(speech)), 400, 'BAD_REQUEST', /redacts nothing/);
  });
});

test('deepgram prerecorded: a file that is too long for memory is kept in spool_dir, is heard as any other, and leaves nothing there', { timeout: 240000 }, async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-spool-'));
  const most = 60e6;
  await withServer(fake({ 'pool.en.max': 2, 'server.max_body_bytes': 2e5, 'server.deepgram_max_file_bytes': most, 'server.spool_dir': dir }), async (server) => {
    const plain = encode(speech, 'pcm_s16le');
    const { transcript } = best(await heard(server, {}, wav(speech)));
    const body = await heard(server, { encoding: 'linear16', sample_rate: 16000 }, plain);
    assert.equal(best(body).transcript, transcript);
    assert.equal(body.metadata.sha256, crypto.createHash('sha256').update(plain).digest('hex'));
    await checkChannels(server, {}, wav(both, { channels: 2 }));
    const before = memoryKb(server.child.pid, 'VmRSS');
    fs.writeFileSync(`/proc/${server.child.pid}/clear_refs`, '5'); // the peak is counted anew
    const long = wav(join(speech, new Int16Array(25e6 - speech.length)));
    const whole = await heard(server, {}, long);
    assert.equal(best(whole).transcript, transcript);
    assert.ok(Math.abs(whole.metadata.duration - 25e6 / 16000) < 0.1);
    const peak = memoryKb(server.child.pid, 'VmHWM');
    if (!sanitizer) assert.ok(peak - before < 30000, `it was not held in memory: ${before} kB, and up to ${peak}`);
    await refused(post(server, {}, Buffer.alloc(most + 1)), 413, 'PAYLOAD_TOO_LARGE', /deepgram_max_file_bytes 60000000/);
    await refused(post(server, {}, Buffer.alloc(3000, 0x55)), 400, 'BAD_REQUEST', /not audio/);
    assert.deepEqual(fs.readdirSync(dir), []);
    fs.rmdirSync(dir);
    await refused(post(server, {}, wav(speech)), 500, 'INTERNAL_SERVER_ERROR', /spool_dir/);
  });
});

test('deepgram prerecorded auth: without a key there is 401, before the file is sent', async () => {
  await withKeys({ desk: {} }, {}, async (server, { desk }) => {
    await refused(post(server, {}, wav(speech)), 401, 'INVALID_AUTH', /./);
    for (const headers of [{ Authorization: `Token ${desk}` }, bearer(desk).headers]) {
      assert.ok(best(await heard(server, {}, wav(speech), { headers })).transcript);
    }
    const early = await new Promise((resolve, reject) => {
      const request = http.request({ port: server.port, method: 'POST', path: '/v1/listen', headers: { 'Content-Length': 100000 } }, (r) => resolve(r.statusCode));
      request.on('error', reject);
      request.flushHeaders(); // and never the body
    });
    assert.equal(early, 401);
  });
});

test('deepgram prerecorded queue: a full server says when to come again', async () => {
  await withServer(fake({ 'pool.en.max': 1, 'pool.en.queue_max': 0, 'pool.en.lease': 'session', 'pool.en.param.slow': 0.1 }), async (server) => {
    const first = heard(server, {}, wav(join(...Array(10).fill(speech))));
    await server.until(async () => (await server.pool()).counts.leased === 1, 'the first has the place');
    const r = await refused(post(server, {}, wav(speech)), 503, 'SERVICE_UNAVAILABLE', /./);
    assert.ok(Number(r.headers.get('retry-after')) > 0);
    assert.ok(best(await first).transcript);
  });
});

test('deepgram prerecorded end: a client that leaves takes its session with it, and two at once hear their own', async () => {
  await withServer(one, async (server) => {
    const other = join(babble(2500, 4), silence(1000));
    const [a, b] = await Promise.all([heard(server, {}, wav(speech)), heard(server, {}, wav(other))]);
    assert.equal(best(a).transcript, best(await heard(server, {}, wav(speech))).transcript);
    assert.equal(best(b).transcript, best(await heard(server, {}, wav(other))).transcript);
    assert.notEqual(best(a).transcript, best(b).transcript);
    const client = await postAndLeave(`http://${server.address}/v1/listen`, wav(join(...Array(40).fill(speech))));
    await server.until(async () => (await server.status()).sessions.length === 1, 'it is heard');
    await client.leave();
    await server.until(async () => (await server.status()).sessions.length === 0, 'its session is gone');
  });
});
