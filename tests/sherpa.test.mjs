import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { withServer, fake, set } from './lib/server.mjs';
import { BINARY, frame } from './lib/client.mjs';
import { keysFile } from './lib/keys.mjs';
import { until } from './lib/wait.mjs';
import { Sherpa, dictate, floats, transcribe } from './lib/protocols/sherpa.mjs';
import { babble, clip, fault, join, sentences, silence, speak } from './lib/speech.mjs';
import { assertSaid } from './lib/words.mjs';

const withSherpa = (args, body, options) => withServer(['--listen', 'sherpa-onnx=127.0.0.1:0', ...args], body, options);
const real = set({ 'pool.en.max': 2 });
const words = join(silence(300), babble(1500, 1), silence(300));

test('sherpa finals: a real clip gives its words', () =>
  withSherpa(real, async (server) => {
    assertSaid(await transcribe(server, clip('goforward')), clip('goforward').words);
  }));

test('sherpa finals: segments count from 0 without a gap, and the last one is what a client takes for its result', () =>
  withSherpa(fake(), async (server) => {
    const s = await dictate(server, floats(join(babble(1500, 1), silence(1500), babble(1500, 2), silence(1500), babble(1500, 3))));
    assert.deepEqual(s.finals.map((f) => f.segment), [0, 1, 2]);
    for (const f of s.finals) assert.ok(f.text.length > 0);
    const numbers = s.results.map((r) => r.segment);
    assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b));
    for (const r of s.results) {
      const start = s.finals[r.segment].start_time; // what was kept from before speech belongs to the final
      assert.ok(r.start_time >= start && r.start_time <= start + 0.5, `segment ${r.segment}: ${r.start_time}, not ${start}`);
    }
    assert.ok(s.finals[1].start_time >= 2.5 && s.finals[1].start_time <= 3.5, `${s.finals[1].start_time}`);
  }));

test('sherpa finals: an utterance that ends before Done is told at once', () =>
  withSherpa(fake(), async (server) => {
    const s = await Sherpa.open(server);
    s.audio(floats(join(babble(1500, 1), silence(1500))));
    const first = await s.client.until(() => s.finals[0], 'the first final');
    assert.equal(first.is_eof, false);
    await s.done();
    const last = s.results.at(-1);
    assert.deepEqual([last.segment, last.text, last.is_final, last.is_eof], [1, '', true, true]);
  }));

test('sherpa partials: what is heard grows in the segment that is open', () =>
  withSherpa(fake({ 'server.partial_interval_ms': 100 }), async (server) => {
    const s = await Sherpa.open(server);
    const speech = floats(babble(25000));
    let at = 0;
    await until(() => {
      s.audio(speech.subarray(at, (at += 1280)));
      return s.results.some((r) => r.text.length > 0);
    }, 'something is heard');
    const partial = s.results.find((r) => r.text.length > 0);
    assert.deepEqual([partial.segment, partial.is_final, partial.is_eof], [0, false, false]);
    assert.deepEqual(Object.keys(partial).sort(), ['context_scores', 'is_eof', 'is_final', 'lm_probs', 'segment', 'start_time', 'text',
      'timestamps', 'tokens', 'words', 'ys_probs']);
    await s.done();
    assert.deepEqual(s.finals.map((f) => f.segment), [0]);
  }));

test('sherpa word times: a final has a token for each word, and its time from where the segment starts', () =>
  withSherpa(fake(), async (server) => {
    const [final] = (await dictate(server, floats(join(silence(1000), babble(2000), silence(1000))))).finals;
    assert.equal(final.tokens.join('').trim(), final.text);
    assert.equal(final.tokens.length, final.timestamps.length);
    assert.ok(final.start_time >= 0.5 && final.start_time <= 1.3, `${final.start_time}`);
    assert.deepEqual(final.timestamps, [...final.timestamps].sort((a, b) => a - b));
    assert.ok(final.timestamps.every((t) => t >= 0 && t <= 2.5), JSON.stringify(final.timestamps));
  }));

test('sherpa end: Done without audio brings one empty result, then Done! and a close in order', () =>
  withSherpa(fake(), async (server) => {
    const s = await Sherpa.open(server);
    const [only, ...more] = await s.done();
    assert.deepEqual([only.text, only.segment, only.is_final, only.is_eof, more.length], ['', 0, true, true, 0]);
  }));

test('sherpa end: what comes behind Done is passed over, and so is text that is not Done', () =>
  withSherpa(fake(), async (server) => {
    const plain = (await dictate(server, floats(words))).text;
    const s = await Sherpa.open(server);
    for (const text of ['', 'done', 'Done ', '{"config":{}}', 'x'.repeat(10000)]) s.client.send(text);
    s.audio(floats(words));
    s.client.send('Done');
    s.audio(floats(words));
    await s.done();
    assert.equal(s.text, plain);
  }));

test('sherpa end: a client that vanishes in the middle leaves nothing behind', () =>
  withSherpa(fake(), async (server) => {
    const s = await Sherpa.open(server);
    s.audio(floats(words));
    await until(async () => (await server.status()).sessions.length === 1, 'it is heard');
    s.client.vanish();
    await until(async () => (await server.status()).sessions.length === 0, 'its session is gone');
  }));

test('sherpa end: any path is taken', () =>
  withSherpa(fake(), async (server) => {
    const s = await Sherpa.open(server, { path: '/any/thing?x=1', headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } });
    assert.doesNotMatch(s.client.head, /Extensions/i);
    await s.done();
  }));

test('sherpa sample rates: 16000 Hz, or what the listener is set to', () =>
  withSherpa(fake({ 'listen.listen2.sample_rate': 8000 }), async (server) => {
    const half = join(silence(1000), babble(2000), silence(1500)).filter((_, i) => i % 2 === 0);
    const [final] = (await dictate(server, floats(half))).finals;
    assert.ok(final.start_time >= 0.5 && final.start_time <= 1.3, `${final.start_time}`);
  }));

test('sherpa errors: samples beyond the range, infinite ones and NaN are heard as what they come nearest to', () =>
  withSherpa(fake(), async (server) => {
    const f = Float32Array.from(babble(1500, 1), (s) => s / 300);
    f.set([Infinity, -Infinity, NaN, 1e30], 1000);
    const s = await dictate(server, Buffer.from(f.buffer));
    assert.ok(s.text.length > 0);
  }));

test('sherpa errors: messages cut anywhere, empty ones and thousands of tiny ones make no difference', () =>
  withSherpa(fake(), async (server) => {
    const bytes = floats(words);
    const { text } = await dictate(server, bytes);
    assert.ok(text.length > 0);
    assert.equal((await dictate(server, bytes, { size: 4001 })).text, text);
    const s = await Sherpa.open(server);
    s.client.socket.cork();
    s.client.binary(Buffer.alloc(0));
    s.audio(bytes, { size: 17 });
    s.client.socket.uncork();
    await s.done();
    assert.equal(s.text, text);
  }));

test('sherpa errors: text that is not UTF-8 and a message of a gigabyte end that client only', () =>
  withSherpa(fake(), async (server) => {
    const bad = await Sherpa.open(server);
    bad.client.raw(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]));
    assert.equal((await bad.client.end()).code, 1007);
    const big = await Sherpa.open(server);
    big.client.raw(frame(BINARY, Buffer.alloc(64), { length: 0x40000000 }));
    assert.equal((await big.client.end()).code, 1009);
    assert.ok((await dictate(server, floats(words))).text.length > 0);
  }));

test('sherpa errors: an utterance that fails is an empty segment, and the next is heard', () =>
  withSherpa(fake({ 'server.poison_dir': '' }), async (server) => {
    const s = await dictate(server, floats(join(babble(700, 1), fault('fail'), babble(700, 1), silence(1500), babble(1500, 2))));
    assert.deepEqual(s.finals.map((f) => [f.segment, f.text.length > 0]), [[0, false], [1, true]]);
  }));

test('sherpa queue: a client that waits for a place hears nothing, and then all; one that is too many is closed with the reason', () =>
  withSherpa(fake({ 'pool.en.max': 1, 'pool.en.queue_max': 1 }), async (server) => {
    const first = await Sherpa.open(server);
    first.audio(floats(babble(500, 1)));
    await until(async () => (await server.status()).sessions.length === 1, 'the first is heard');
    const second = await Sherpa.open(server);
    second.audio(floats(words));
    await server.until(async () => (await server.status()).sessions.some((s) => s.state === 'queued'), 'the second waits');
    const third = await Sherpa.open(server);
    third.audio(floats(words));
    const { code, reason } = await third.client.end();
    assert.equal(code, 1013);
    assert.match(reason, /queue_max 1/);
    assert.deepEqual([second.client.events, third.client.events], [[], []]);
    await first.done();
    await second.done();
    assert.ok(second.text.length > 0);
  }));

test('sherpa auth: with keys a client is let in by one, and answered 401 without', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-sherpa-'));
  const { file, secrets } = await keysFile(dir, { a: 'normal' });
  await withSherpa(fake({ 'server.keys_file': file }), async (server) => {
    await assert.rejects(Sherpa.open(server), (e) => e.status === 401);
    await (await Sherpa.open(server, { path: `/?token=${secrets.a}` })).done();
  });
  fs.rmSync(dir, { recursive: true });
});

test('sherpa auth: what was heard before the minutes of a key ran out is told, though Done was said', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-sherpa-'));
  const { file, secrets } = await keysFile(dir, { a: { minutes: 1 } });
  await withSherpa(fake({ 'server.keys_file': file }), async (server) => {
    const s = await Sherpa.open(server, { path: `/?token=${secrets.a}` });
    s.audio(floats(join(babble(1500, 1), silence(60000), babble(1500, 2))), { size: Infinity });
    s.client.send('Done');
    const { code, reason } = await s.client.end();
    assert.equal(code, 1008);
    assert.match(reason, /minutes=1/);
    assert.deepEqual(s.finals.map((f) => [f.segment, f.text.length > 0, f.is_eof]), [[0, true, false], [1, true, false]]);
  });
  fs.rmSync(dir, { recursive: true });
});

test('sherpa end: one that stops in the middle of speech is told what was heard, and ended after idle_timeout_ms', () =>
  withSherpa(fake({ 'server.idle_timeout_ms': 1000 }), async (server) => {
    const s = await Sherpa.open(server);
    s.audio(floats(babble(1500)));
    const { code, reason } = await s.client.end();
    assert.equal(code, 1008);
    assert.match(reason, /idle_timeout_ms 1000/);
    assert.deepEqual(s.finals.map((f) => [f.segment, f.text.length > 0]), [[0, true]]);
  }));

test('sherpa end: one that has not sent anything is told when the server leaves', () =>
  withSherpa(fake({ 'server.drain_timeout_ms': 600000 }), async (server) => {
    const s = await Sherpa.open(server);
    server.child.kill('SIGTERM');
    assert.equal((await s.client.end()).code, 1012);
  }, { sums: false }));

test('sherpa finals: two clients at once hear only their own words', () =>
  withSherpa(real, async (server) => {
    const clips = [speak(sentences[0]), speak(sentences[1])];
    const heard = await Promise.all(clips.map((c) => transcribe(server, c)));
    assertSaid(heard, clips.map((c) => c.words));
  }));
