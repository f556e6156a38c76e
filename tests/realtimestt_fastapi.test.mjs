import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { withServer, fake, run, set } from './lib/server.mjs';
import { BINARY, frame } from './lib/client.mjs';
import { keysFile } from './lib/keys.mjs';
import { until } from './lib/wait.mjs';
import { bytesOf, connect, packet } from './lib/protocols/realtimestt.mjs';
import { Page, listen, transcribe } from './lib/protocols/realtimestt_fastapi.mjs';
import { babble, clip, fault, join, sentences, silence, speak } from './lib/speech.mjs';
import { assertSaid } from './lib/words.mjs';

const withPages = (args, body, options) => withServer(['--listen', `${listen}=127.0.0.1:0`, ...args], body, options);
const real = set({ 'pool.en.max': 2 });
const get = (server, pathname, options = {}) => server.get(pathname, { port: server.ports[listen], ...options });
const two = () => join(babble(1500, 1), silence(1500), babble(1500, 2), silence(1500));

test('realtimestt-fastapi finals: a real clip gives its words', () =>
  withPages(real, async (server) => {
    assertSaid(await transcribe(server, clip('goforward')), clip('goforward').words);
  }));

test('realtimestt-fastapi finals: each utterance is a segment with an id of its own and its times', () =>
  withPages(fake(), async (server) => {
    const p = await Page.start(server);
    p.feed(two());
    const finals = await p.stop();
    assert.deepEqual(finals.map((f) => f.segmentId), [1, 2]);
    for (const f of finals) {
      assert.ok(f.text.length > 0);
      assert.equal(f.sessionId, p.hello.sessionId);
      assert.ok(f.recordingEndedAt > f.recordingStartedAt);
      assert.ok(Math.abs(f.durationSeconds - (f.recordingEndedAt - f.recordingStartedAt)) < 0.001);
      assert.equal(f.endReason, 'recording_stop');
      assert.deepEqual({ ...f.segment, preRecordingBuffer: 0 }, { segmentId: f.segmentId, recordingStartedAt: f.recordingStartedAt,
        recordingStartedAtIso: f.recordingStartedAtIso, recordingEndedAt: f.recordingEndedAt, recordingEndedAtIso: f.recordingEndedAtIso,
        durationSeconds: f.durationSeconds, endReason: f.endReason, preRecordingBuffer: 0 });
      assert.equal(f.preRecordingBuffer.configuredSeconds, 0.3);
      assert.equal(Math.floor(f.timestamp), Math.floor(Date.parse(f.timestampIso) / 1000));
    }
    await p.close();
  }));

test('realtimestt-fastapi partials: realtime grows, has a stable part that is only added to, and its line in the timeline', () =>
  withPages(fake({ 'server.partial_interval_ms': 200, 'pool.en.param.slow': 1 }), async (server) => {
    const p = await Page.start(server);
    const audio = babble(8000);
    for (let i = 0; i < 16; i++) {
      p.feed(audio.subarray(8000 * i, 8000 * (i + 1)));
      await p.client.event('realtime', i);
    }
    await p.stop();
    const all = p.client.all('realtime');
    let stable = '';
    all.forEach((r, i) => {
      assert.equal(r.sequence, i + 1);
      assert.equal(r.segmentId, 1);
      assert.equal(r.rawText, r.text);
      assert.equal(r.stableText, stable + r.stableDelta);
      assert.equal(r.displayText, r.stableText + r.unstableText);
      assert.equal(r.commitReason, r.stableDelta ? 'evidence-threshold' : 'none');
      assert.deepEqual([r.isOutlier, r.stablePrefixConflict, r.publicConsensusAligned], [false, false, true]);
      stable = r.stableText;
    });
    assert.ok(stable.length > 0, 'something stands before the end');
    assert.ok(p.client.finals[0].text.startsWith(stable), 'the final goes on from it');
    const lines = p.client.all('timeline').filter((t) => t.event === 'realtime_transcript');
    assert.deepEqual(lines.map((l) => [l.sequence, l.text]), all.map((r) => [r.sequence, r.text]));
    await p.close();
  }));

test('realtimestt-fastapi speech events: hello, ready, and the order of an utterance', () =>
  withPages(fake(), async (server) => {
    const p = await Page.start(server);
    p.feed(join(silence(400), babble(1500), silence(1500)));
    await p.client.event('final');
    await p.client.until(() => p.story.at(-1) === 'status:listening', 'listening again');
    assert.deepEqual(p.story.filter((s) => !/realtime/.test(s)), ['hello', 'ready', 'status:listening',
      'status:voice', 'timeline:recording_started', 'status:recording',
      'status:silence', 'timeline:recording_ended', 'status:listening', 'timeline:transcription_started', 'status:transcribing',
      'final', 'timeline:final_transcript', 'status:listening']);
    assert.match(p.hello.sessionId, /^[0-9a-f]{32}$/);
    assert.equal(p.hello.clientId, p.hello.sessionId);
    assert.equal(p.ready.ok, true);
    const [ended] = p.client.all('timeline').filter((t) => t.event === 'recording_ended');
    assert.equal(ended.reason, 'recording_stop');
    await p.close();
  }));

test('realtimestt-fastapi commit: stop ends what is being said, its final comes, and then it is idle; start begins anew', () =>
  withPages(fake(), async (server) => {
    const p = await Page.start(server);
    p.feed(babble(1500, 1));
    assert.equal((await p.stop()).length, 1);
    assert.equal(p.client.events.at(-1).state, 'idle');
    await until(async () => (await server.status()).sessions.length === 0, 'its recogniser is given back');
    p.command('start');
    p.feed(babble(1500, 2));
    const finals = await p.stop();
    assert.deepEqual(finals.map((f) => f.segmentId), [1, 2]);
    await p.close();
  }));

test('realtimestt-fastapi commit: a start right behind a stop loses nothing of either', () =>
  withPages(fake({ 'pool.en.param.end_ms': 300 }), async (server) => {
    const p = await Page.start(server);
    p.feed(babble(1500, 1));
    p.command('stop');
    p.command('start');
    p.feed(babble(1500, 2));
    p.command('stop');
    await p.client.event('final', 1);
    await p.client.until(() => p.client.events.at(-1).state === 'idle', 'idle');
    assert.ok(p.client.finals.every((f) => f.text.length > 0));
    await p.close();
  }));

test('realtimestt-fastapi commit: clear drops what was said, and the next segment has the next id', () =>
  withPages(fake({ 'pool.en.param.slow': 1 }), async (server) => {
    const p = await Page.start(server);
    p.feed(babble(1500, 1));
    await p.client.until(() => p.story.includes('status:recording'), 'it is recorded');
    p.command('clear');
    const cleared = await p.client.event('clear');
    assert.equal(cleared.nextSegmentId, 2);
    assert.deepEqual(p.story.slice(p.story.indexOf('timeline:recording_ended')).slice(0, 4),
      ['timeline:recording_ended', 'status:listening', 'status:listening', 'clear']);
    p.feed(join(silence(300), babble(1000, 2), silence(1500)));
    await p.stop();
    assert.deepEqual(p.client.finals.map((f) => f.segmentId), [2]);
    p.command('clear');
    assert.equal((await p.client.event('clear', 1)).nextSegmentId, 4, 'without a segment the id is used up');
    await p.close();
  }));

test('realtimestt-fastapi word times: there are none, but a segment says when it began', () =>
  withPages(fake(), async (server) => {
    const p = await Page.start(server);
    p.feed(join(silence(2000), babble(1500), silence(1500)));
    const [final] = await p.stop();
    assert.equal('words' in final, false);
    assert.ok(Math.abs(final.recordingEndedAt - final.recordingStartedAt - 1.5) < 0.5, JSON.stringify(final.segment));
    await p.close();
  }));

test('realtimestt-fastapi sample rates: the metadata says rate and channels, and either may change', () =>
  withPages(fake(), async (server) => {
    const p = await Page.start(server);
    const mono = babble(1500, 1);
    const eight = new Int16Array(mono.length * 8).map((_, i) => mono[i >> 3]);
    p.feed(join(mono, silence(1000)));
    await p.client.event('final');
    p.feed(eight, { channels: 8, size: 6400 });
    p.feed(silence(8000), { channels: 8, size: 6400 });
    await p.client.event('final', 1);
    assert.ok(Math.abs(p.client.finals[1].durationSeconds - p.client.finals[0].durationSeconds) < 0.5, JSON.stringify(p.client.finals.map((f) => f.durationSeconds)));
    p.feed(mono.filter((_, i) => i % 2 === 0), { rate: 8000 });
    const finals = await p.stop();
    assert.equal(finals.length, 3);
    assert.ok(Math.abs(finals[2].durationSeconds - 1.5) < 0.6, JSON.stringify(finals[2].segment));
    await p.close();
  }));

test('realtimestt-fastapi errors: a bad packet is told in the words of the reference, and the connection goes on', () =>
  withPages(fake(), async (server) => {
    const p = await Page.start(server);
    const meta = { sampleRate: 16000 };
    const bad = [
      [Buffer.alloc(3), /audio packet is missing metadata length/],
      [Buffer.from([255, 255, 255, 255]), /metadata is too large.*65536/],
      [Buffer.from([9, 0, 0, 0, 123]), /metadata is incomplete/],
      [packet('{"sampleRate":'), /metadata is invalid JSON/],
      [packet('[1]'), /metadata must be a JSON object/],
      [packet({}), /field 'sampleRate' must be a positive integer/],
      [packet({ sampleRate: -1 }), /field 'sampleRate' must be a positive integer/],
      [packet({ sampleRate: 16000.5 }), /field 'sampleRate' must be a positive integer/],
      [packet({ sampleRate: 384000 }), /384000 is not supported; 8000 to 192000/],
      [packet({ ...meta, channels: 9 }), /'channels' must be an integer from 1 to 8/],
      [packet({ ...meta, format: 'float32' }), /only pcm_s16le audio packets are supported/],
      [packet(meta, Buffer.alloc(3)), /not aligned to whole frames/],
      [packet({ ...meta, frames: 2 }, Buffer.alloc(2)), /'frames' does not match payload length/],
      [packet(meta, Buffer.alloc(600000)), /audio packet is too large/],
    ];
    for (const [bytes, why] of bad) {
      const n = p.client.all('error').length;
      p.client.binary(bytes);
      const e = await p.client.event('error', n);
      assert.match(e.message, why);
      assert.deepEqual([e.where, e.sessionId], ['audio_packet', p.hello.sessionId]);
    }
    p.feed(babble(1500));
    assert.equal((await p.stop()).length, 1);
    await p.close();
  }));

test('realtimestt-fastapi errors: a bad command is told, ping and metrics are answered', () =>
  withPages(fake(), async (server) => {
    const p = await Page.open(server);
    for (const [text, why] of [
      ['{', /^Invalid command JSON: /],
      ['[]', /^WebSocket commands must be JSON objects\.$/],
      ['{"type":"what"}', /^Unknown command: what/],
      ['{}', /^Unknown command: None/],
    ]) {
      const n = p.client.all('error').length;
      p.client.send(text);
      const e = await p.client.event('error', n);
      assert.match(e.message, why);
      assert.equal(e.where, 'command');
    }
    p.command('ping');
    assert.ok((await p.client.event('pong')).serverTime > 1e9);
    p.feed(babble(200));
    assert.match((await p.client.event('warning')).message, /^Audio stream is stopped; send a start command/);
    p.command('metrics');
    const { metrics } = await p.client.event('metrics');
    assert.equal(metrics.sessionId, p.hello.sessionId);
    assert.deepEqual([metrics.streaming, metrics.recording, metrics.state], [false, false, 'idle']);
    const speakers = async () => JSON.parse((await get(server, '/health')).body).activeSpeakers;
    p.command('start');
    p.feed(babble(1000));
    await p.client.until(() => p.story.includes('status:recording'), 'it is recorded');
    assert.equal(await speakers(), 1);
    p.command('clear');
    await p.client.event('clear');
    assert.equal(await speakers(), 0);
    p.feed(babble(1000));
    await p.stop();
    assert.deepEqual([await speakers(), p.client.all('status').at(-1).activeSpeakers], [0, 0]);
    assert.ok(metrics.rejectedAudioChunks > 1);
    assert.equal(p.client.all('warning').length, 1, 'not one a packet');
    await p.close();
  }));

test('realtimestt-fastapi errors: an utterance that fails is told, and the next one is heard', () =>
  withPages(fake({ 'server.poison_dir': '' }), async (server) => {
    const p = await Page.start(server);
    p.feed(join(babble(700, 1), fault('fail'), babble(700, 1), silence(1500), babble(1500, 2)));
    const finals = await p.stop();
    assert.deepEqual(p.client.all('error').map((e) => e.where), ['recorder']);
    assert.deepEqual(finals.map((f) => f.segmentId), [2]);
    await p.close();
  }));

test('realtimestt-fastapi errors: a recording that fails while it is said has its end told', () =>
  withPages(fake({ 'server.poison_dir': '' }), async (server) => {
    const p = await Page.start(server);
    p.feed(join(babble(700, 1), fault('fail'), babble(700, 1)));
    const error = await p.client.event('error');
    assert.equal(error.where, 'recorder');
    assert.ok(p.story.indexOf('timeline:recording_ended') < p.story.indexOf('error') && p.story.includes('timeline:recording_ended'), `${p.story}`);
    p.feed(join(silence(1500), babble(1500, 2), silence(1500)));
    const final = await p.client.event('final');
    assert.deepEqual([final.segmentId, final.text.length > 0], [2, true]);
    assert.equal(p.story.filter((e) => e === 'timeline:recording_ended').length, 2);
    await p.stop();
    await p.close();
  }));

test('realtimestt-fastapi errors: hostile bytes end that client only', () =>
  withPages(fake(), async (server) => {
    const bad = await Page.start(server);
    bad.client.raw(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]));
    assert.equal((await bad.client.end()).code, 1007);
    const big = await Page.start(server);
    big.client.raw(frame(BINARY, Buffer.alloc(64), { length: 0x40000000 }));
    assert.equal((await big.client.end()).code, 1009);
    const tiny = await Page.start(server);
    tiny.feed(babble(1000), { size: 2 });
    assert.equal((await tiny.stop()).length, 1);
    await tiny.close();
    const gone = await Page.start(server);
    gone.feed(babble(1000));
    gone.client.vanish();
    await until(async () => (await server.status()).sessions.length === 0, 'its session is gone');
  }));

test('realtimestt-fastapi queue: a client that waits is told its place, and is heard when its turn comes', () =>
  withPages(fake({ 'pool.en.max': 1 }), async (server) => {
    const first = await Page.start(server);
    first.feed(babble(500, 1));
    await first.client.until(() => first.story.includes('status:recording'), 'the first has the place');
    const second = await Page.start(server);
    second.feed(babble(1500, 2));
    assert.match((await second.client.event('warning')).message, /place in the queue is 1/);
    assert.equal((await second.client.until(() => second.client.all('status').find((s) => s.queueDepth === 1), 'a status')).state, 'listening');
    await first.stop();
    assert.equal((await second.stop()).length, 1);
    await Promise.all([first.close(), second.close()]);
  }));

test('realtimestt-fastapi queue: a client that starts again and again before anything is told is ended, and others are let in', () =>
  withPages(fake({ 'pool.en.max': 1, 'pool.en.queue_max': 10 }), async (server) => {
    const first = await Page.start(server);
    first.feed(babble(500, 1));
    await first.client.until(() => first.story.includes('status:recording'), 'the first has the place');
    const greedy = await Page.open(server);
    for (let i = 0; i < 10; i++) {
      greedy.command('start');
      greedy.feed(babble(200, 2));
      greedy.command('stop');
    }
    assert.equal((await greedy.client.end()).code, 1008);
    assert.match(greedy.client.events.at(-1).message, /4 recordings of this connection wait/);
    const other = await Page.start(server);
    other.feed(babble(1500, 3));
    await first.stop();
    assert.equal((await other.stop()).length, 1);
    await Promise.all([first.close(), other.close()]);
  }));

test('realtimestt-fastapi queue: one that is too many is told so and closed with 1013', () =>
  withPages(fake({ 'pool.en.max': 1, 'pool.en.queue_max': 0, 'server.max_sessions': 1 }), async (server) => {
    const first = await Page.start(server);
    const second = await Page.start(server);
    first.feed(babble(500, 1));
    await first.client.until(() => first.story.includes('status:recording'), 'the first has the place');
    second.feed(babble(200));
    assert.equal((await second.client.end()).code, 1013);
    const e = second.client.events.at(-1);
    assert.deepEqual([e.type, e.where], ['error', 'admission']);
    assert.equal(e.limits.maxSessions, 1);
    const third = await connect(server, listen, { path: '/ws/transcribe', headers: { 'Sec-WebSocket-Protocol': 'token, sp_x' } });
    assert.match(third.head, /^Sec-WebSocket-Protocol: token\r?$/im, 'without it a browser would not open the socket, and tell nothing');
    assert.equal((await third.end()).code, 1013);
    assert.deepEqual([third.events.length, third.events[0].where], [1, 'admission']);
    await first.stop();
    await first.close();
  }));

test('realtimestt-fastapi auth: pages and socket want a key where there are keys, and nobody may change settings', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-stt-'));
  const { file, secrets } = await keysFile(dir, { a: 'normal', b: 'normal' });
  const as = (name) => ({ headers: { Authorization: `Bearer ${secrets[name]}` } });
  await withPages(fake({ 'server.keys_file': file }), async (server) => {
    await assert.rejects(Page.open(server), (e) => e.status === 401);
    assert.equal((await get(server, '/api/metrics')).status, 401);
    assert.equal((await get(server, '/api/config')).status, 401);
    const p = await Page.open(server, { path: `/ws/transcribe?token=${secrets.a}` });
    const seen = async (name) => Object.keys(JSON.parse((await get(server, '/api/metrics', as(name))).body).sessions);
    assert.deepEqual(await seen('a'), [p.hello.sessionId]);
    assert.deepEqual(await seen('b'), [], 'the sessions of another key are not shown');
    await p.close();
  });
  fs.rmSync(dir, { recursive: true });
});

test('realtimestt-fastapi auth: the pages beside the socket', () =>
  withPages(fake(), async (server) => {
    const health = JSON.parse((await get(server, '/health')).body);
    assert.deepEqual(health, { ok: true, ready: true, activeSessions: 0, activeSpeakers: 0, startupErrors: [] });
    const config = JSON.parse((await get(server, '/api/config')).body);
    assert.deepEqual(Object.keys(config), ['settings', 'limits', 'supportedEngines', 'runtimeSettings']);
    assert.match((await get(server, '/')).body, /\/ws\/transcribe/);
    const patched = await get(server, '/api/config', { method: 'PATCH' });
    assert.equal(patched.status, 403);
    assert.match(JSON.parse(patched.body).error.message, /operator/);
    assert.equal((await get(server, '/ws/transcribe')).status, 426);
    assert.equal((await get(server, '/nothing')).status, 404);
  }));

test('realtimestt-fastapi end: two clients at once hear only their own words', () =>
  withPages(real, async (server) => {
    const clips = [speak(sentences[0]), speak(sentences[1])];
    const heard = await Promise.all(clips.map((c) => transcribe(server, c)));
    assertSaid(heard, clips.map((c) => c.words));
  }));

test('realtimestt-fastapi end: one that is silent for long gives its recogniser back, and gets one again', () =>
  withPages(fake({ 'server.idle_timeout_ms': 1000 }), async (server) => {
    const p = await Page.start(server);
    p.feed(join(babble(1000, 1), silence(1000)));
    await p.client.event('final');
    await server.until(async () => (await server.status()).sessions.length === 0, 'its session has ended');
    p.feed(join(babble(1000, 2), silence(1000)));
    await p.client.event('final', 1);
    await p.close();
  }));

test('realtimestt-fastapi end: a server that leaves tells clients that only wait', () =>
  withPages(fake(), async (server) => {
    const p = await Page.open(server);
    server.child.kill('SIGTERM');
    assert.equal((await p.client.end()).code, 1012);
    assert.equal(p.client.events.at(-1).where, 'admission');
    server.stopped = true;
    await server.exited;
    fs.rmSync(server.dir, { recursive: true, force: true });
  }));

test("realtimestt-fastapi page: a directory's files are served, and nothing else of the disk", async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-page-'));
  const write = (name, text) => (fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true }), fs.writeFileSync(path.join(dir, name), text));
  write('index.html', '<h1>mine</h1>');
  write('js/app.js', 'go()');
  write('.secret', 'secret');
  fs.symlinkSync('/etc/passwd', path.join(dir, 'passwd'));
  try {
    await withPages([...fake(), '--set', `server.realtimestt_page=${dir}`], async (server) => {
      const fetch = (at, options) => get(server, at, options);
      for (const at of ['/', '/index.html', '/static/index.html']) {
        const r = await fetch(at);
        assert.deepEqual([r.status, r.body, r.headers['content-type']], [200, '<h1>mine</h1>', 'text/html; charset=utf-8'], at);
      }
      const code = await fetch('/static/js/app.js');
      assert.deepEqual([code.body, code.headers['content-type'], code.headers['x-content-type-options']], ['go()', 'text/javascript; charset=utf-8', 'nosniff']);
      assert.equal((await fetch('/js/app.js', { headers: { 'If-None-Match': code.headers.etag } })).status, 304);
      assert.equal((await fetch('/', { method: 'HEAD' })).body, '');
      for (const at of ['/passwd', '/.secret', '/../../etc/passwd', '/static/../../etc/passwd', '/%2e%2e/etc/passwd', '/js', '/js/', '/static//etc/passwd', '/static/%2fetc/passwd', '/nothing'])
        assert.equal((await fetch(at)).status, 404, at);
      assert.equal((await fetch('/health')).status, 200, 'its own pages go first');
      write('index.html', '<h1>another</h1>');
      assert.match((await fetch('/')).body, /mine/, 'what was read is served');
      server.child.kill('SIGHUP');
      await server.until(async () => /another/.test((await fetch('/')).body), 'it is read again');
      const own = await Page.open(server, { headers: { Origin: `http://127.0.0.1:${server.ports[listen]}` } });
      await own.close();
    });
    fs.rmSync(path.join(dir, 'index.html'));
    const { code, stderr } = await run(['serve', '--check', '--listen', '127.0.0.1:0', '--set', `server.realtimestt_page=${dir}`]);
    assert.notEqual(code, 0);
    assert.match(stderr, /realtimestt_page ".*": it has no index.html/);
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
});

test('realtimestt-fastapi page: without a directory / says what this is', () =>
  withPages(fake(), async (server) => {
    const r = await get(server, '/');
    assert.equal(r.status, 200);
    assert.match(r.body, /example_fastapi_server/);
    assert.equal((await get(server, '/static/index.html')).status, 404);
  }));
