// Clients of sherpa-onnx's offline server, on the listener that its streaming clients use.
import test from 'node:test';
import assert from 'node:assert/strict';
import { fake, set, withServer } from './lib/server.mjs';
import { resample } from './lib/audio.mjs';
import { babble, clip, join, sentences, silence, speak } from './lib/speech.mjs';
import { assertSaid } from './lib/words.mjs';
import { Sherpa, SherpaOffline, floats } from './lib/protocols/sherpa.mjs';

const listener = ['--listen', 'sherpa-onnx=127.0.0.1:0'];
const real = set({ 'pool.en.max': 2 });
const withSherpa = (args, body) => withServer([...listener, ...args], body);

test('sherpa offline: recordings are answered one by one, each with all that was said in it, and Done is the end', () =>
  withSherpa(real, async (server) => {
    const s = await SherpaOffline.open(server);
    for (const [n, words] of sentences.entries()) {
      s.send(speak(words).samples, { alone: n === 1 });
      const answer = await s.answer(n);
      assertSaid(answer.text, words);
      assertSaid(answer.tokens.map((t) => t.trim()).join(' '), words);
      assert.equal(answer.timestamps.length, answer.tokens.length);
      assert.equal(answer.durations.length, answer.tokens.length);
      assert.ok(answer.timestamps[0] < 1, 'each has a time of its own');
      for (const field of ['lang', 'emotion', 'event', 'ys_log_probs', 'words']) assert.ok(field in answer, field);
    }
    await s.done();
    assert.equal(s.client.events.length, sentences.length);
  }));

test('sherpa offline: real speech, at the rate that its header says', () =>
  withSherpa(real, async (server) => {
    const { samples, words } = clip('goforward');
    for (const rate of [16000, 48000]) {
      const s = await SherpaOffline.open(server);
      s.send(resample(samples, 16000, rate), { rate });
      assertSaid((await s.answer()).text, words, `${rate} Hz`);
      await s.done();
    }
  }));

test('sherpa offline: sentences with pauses are one answer, and nothing said is one too', () =>
  withSherpa(fake(), async (server) => {
    const s = await SherpaOffline.open(server);
    s.send(join(babble(1500), silence(1500), babble(1500, 2)));
    const both = await s.answer(0);
    assert.ok(both.timestamps.at(-1) > 3 && both.text.split(' ').length === both.tokens.length, JSON.stringify(both));
    s.send(silence(500));
    assert.equal((await s.answer(1)).text, '');
    s.send(silence(0));
    assert.equal((await s.answer(2)).text, '');
    await s.done();
  }));

test('sherpa offline: recordings that are sent without waiting are answered in order', () =>
  withSherpa(fake(), async (server) => {
    const s = await SherpaOffline.open(server);
    for (const seed of [1, 2, 3]) s.send(babble(1000 * seed, seed));
    s.client.send('Done');
    assert.equal((await s.client.end()).code, 1000);
    const n = s.client.events.map((a) => a.tokens.length);
    assert.equal(n.length, 3);
    assert.ok(n[0] < n[1] && n[1] < n[2], JSON.stringify(n));
  }));

test('sherpa offline: Done before the last byte ends the recording where it is', () =>
  withSherpa(fake(), async (server) => {
    const s = await SherpaOffline.open(server);
    s.send(babble(1500), { length: 10000000 });
    await s.done();
    assert.ok(s.client.events[0].text.length > 0);
  }));

const bad = [
  ['a rate that is not heard', { rate: 4000 }, /4000/],
  ['half a sample', { length: 64001 }, /64001 bytes is no whole number/],
  ['more than it said', { length: 4000 }, /came behind the end of a recording/],
];
for (const [what, how, why] of bad)
  test(`sherpa offline: ${what} is refused in a sentence`, () =>
    withSherpa(fake(), async (server) => {
      const s = await SherpaOffline.open(server);
      s.send(babble(500), how);
      const { code, reason } = await s.client.end();
      assert.equal(code, 1008);
      assert.match(reason, why);
      assert.deepEqual(s.client.events, []);
    }));

test('sherpa offline: the length alone, as older clients send it, is refused in a sentence and not heard as sound', () =>
  withSherpa(fake(), async (server) => {
    const s = await SherpaOffline.open(server);
    s.client.binary(Buffer.from(Uint32Array.of(floats(babble(500)).length).buffer));
    assert.match((await s.client.end()).reason, /sample rate and its length in bytes/);
  }));

test('sherpa offline: the second recording needs a header as well', () =>
  withSherpa(fake(), async (server) => {
    const s = await SherpaOffline.open(server);
    s.send(babble(500));
    await s.answer();
    s.client.binary(floats(babble(500)));
    assert.match((await s.client.end()).reason, /must begin with its sample rate/);
  }));

test('sherpa offline: streaming clients and offline ones are heard side by side', () =>
  withSherpa(fake(), async (server) => {
    const live = await Sherpa.open(server);
    const offline = await SherpaOffline.open(server);
    live.audio(floats(babble(1500)));
    offline.send(babble(1500));
    assert.ok((await offline.answer()).text.length > 0);
    await Promise.all([live.done(), offline.done()]);
    assert.equal(live.text, offline.client.events[0].text, 'the same audio is the same text');
  }));
