// What Whisper hears: the words of every recording, none where nobody speaks, partials that grow, speech of minutes and hours.
import test, { describe } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { sanitizer } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { clientPython } from './lib/clients.mjs';
import { wav } from './lib/audio.mjs';
import { noWhisper } from './lib/models.mjs';
import { audioDir, clip, join, noRealSpeech, sentences, silence, speak } from './lib/speech.mjs';
import { long, withWhisper } from './lib/whisper.mjs';
import { assertSaid, edits, said, wordsIn } from './lib/words.mjs';

const skip = noWhisper('tiny.en');
const manual = { endpointing: 'manual', partials: false };
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms)); // the pace of speech; waits for nothing
const recordings = () => (noRealSpeech ? [] : fs.readdirSync(audioDir).filter((f) => f.endsWith('.wav')).sort().map((f) => clip(f.replace('.wav', ''))));

// As the field counts: jiwer, behind Whisper's own normaliser of English.
const COUNT = `
import json, sys, jiwer
from whisper_normalizer.english import EnglishTextNormalizer
normal = EnglishTextNormalizer()
said, heard = ([normal(text) for text in texts] for texts in json.load(sys.stdin))
o = jiwer.process_words(said, heard)
print(o.substitutions + o.deletions + o.insertions, o.substitutions + o.deletions + o.hits)
`;
const { python, skip: noPython } = clientPython('jiwer');

test('of all words of all recordings at most four in a hundred are wrong', { skip: skip || noRealSpeech || noPython }, async (t) => {
  await withWhisper({ 'pool.en.max': 2, 'vad.vad': 'auto' }, async (s) => {
    const [meant, heard] = [[], []];
    for (const { name, samples, rate, words } of recordings()) {
      const c = await dictate(s, samples, { sample_rate: rate, partials: false });
      if (edits(words, c.text) > 0) t.diagnostic(`${name}: ${said(c.text)}`);
      meant.push(words);
      heard.push(c.text);
    }
    const [wrong, all] = execFileSync(python, ['-c', COUNT], { input: JSON.stringify([meant, heard]), encoding: 'utf8' }).split(' ').map(Number);
    t.diagnostic(`${wrong} of ${all}`);
    assert.ok(all > 100, `${all} words`);
    assert.ok(wrong / all <= 0.04, `${wrong} of ${all}`);
  });
});

// ---- partials ----

function assertGrow(partials) {
  let stable = Buffer.alloc(0);
  for (const p of partials) {
    const text = Buffer.from(p.text);
    assert.ok(p.stable >= stable.length && p.stable <= text.length, JSON.stringify(partials));
    assert.equal(text.subarray(0, stable.length).toString(), stable.toString(), JSON.stringify(partials));
    stable = text.subarray(0, p.stable);
  }
  return stable.toString();
}

const talks = () => (noRealSpeech
  ? [speak(`${sentences[0]} and ${sentences[1]}`), speak(`${sentences[1]} and ${sentences[0]}`)]
  : ['jfk', 'austen-0870', 'lj001-0006', 'austen-0920'].map(clip));

test('at the pace of speech what is stable never shrinks and stays as it was told, and the final is that of a run without partials', { skip }, async () => {
  await withWhisper({ 'pool.en.max': 4, 'server.partial_interval_ms': 500 }, async (s) => {
    const all = talks();
    const without = [];
    for (const { samples, rate } of all) without.push(await dictate(s, samples, { ...manual, sample_rate: rate }));
    const hear = async ({ samples, rate }) => {
      const c = await Client.start(s, { endpointing: 'manual', partials: true, sample_rate: rate });
      await c.event('ready');
      for (let at = 0; at < samples.length; at += rate / 10) {
        c.audio(samples.subarray(at, at + rate / 10), { chunk: 3200 });
        await pause(100);
      }
      await c.event('partial');
      await c.finish();
      return c;
    };
    const grown = await Promise.all(all.map(hear));
    let some = 0;
    for (const [i, c] of grown.entries()) {
      const stable = assertGrow(c.all('partial'));
      some += stable.length > 0;
      assert.deepEqual(c.finals.map(({ text, words, confidence }) => ({ text, words, confidence })),
        without[i].finals.map(({ text, words, confidence }) => ({ text, words, confidence })), all[i].name);
    }
    assert.ok(some > 0, 'something became stable');
  });
});

// ---- where nobody speaks ----

function noise(ms, amplitude, smooth) {
  const samples = new Int16Array(16 * ms);
  let [seed, low] = [7, 0];
  for (let i = 0; i < samples.length; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    low += (seed / 2 ** 32 - 0.5 - low) * smooth;
    samples[i] = Math.round(amplitude * low);
  }
  return samples;
}
const hum = (ms) => Int16Array.from({ length: 16 * ms }, (_, i) => 900 * Math.sin((2 * Math.PI * 50 * i) / 16000) + 300 * Math.sin((2 * Math.PI * 150 * i) / 16000));
const nothings = { silence: silence(4000), 'a soft hiss': noise(4000, 100, 1), 'a loud hiss': noise(4000, 4000, 1), wind: noise(4000, 12000, 0.02), 'the hum of mains': hum(4000) };

for (const endpointing of ['manual', 'vad']) {
  test(`silence and noise have no words (endpointing ${endpointing})`, { skip }, async () => {
    await withWhisper({ 'pool.en.max': 2 }, async (s) => {
      for (const [name, samples] of Object.entries(nothings)) {
        const c = await dictate(s, samples, { endpointing, partials: false });
        assert.deepEqual(c.finals.map((f) => [f.text, f.words]).filter(([text]) => text !== ''), [], name);
      }
    });
  });
}

// ---- minutes and hours ----

test('a manual utterance of more than 30 s is heard to its end', { skip: skip || noRealSpeech }, async () => {
  await withWhisper({}, async (s) => {
    const all = ['austen-0870', 'austen-0890', 'austen-0920', 'austen-0930', 'austen-0880', 'austen-0870', 'austen-0890', 'austen-0920'].map(clip);
    const samples = join(...all.map((c) => join(c.samples, silence(700))));
    assert.ok(samples.length > 40 * 16000, `${samples.length / 16000} s`);
    const c = await dictate(s, samples, manual, { chunk: 32000 });
    const words = all.map((x) => x.words).join(' ');
    assert.ok(edits(words, c.text) / wordsIn(words) <= 0.08, `${edits(words, c.text)} of ${wordsIn(words)}: ${c.text}`);
    assert.ok(c.finals.length >= 2);
    let last = 0;
    for (const w of c.finals.flatMap((f) => f.words)) {
      assert.ok(w.start_ms >= last && w.end_ms >= w.start_ms, JSON.stringify(c.finals));
      last = w.start_ms;
    }
    assert.ok(last > samples.length / 16 - 4000, `the last word is at ${last} ms`);
  });
});

const memoryKb = (pid, name) => Number(fs.readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'))[1]);
const MINUTES = long ? 60 : 3;
const sparse = !long; // a pause of a minute now and then, which costs next to nothing

// A piece of the file after the other, as the server takes them.
function post(s, pieces, bytes) {
  const boundary = 'stenopool';
  const head = Buffer.from(['model', 'response_format'].map((name, i) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${['whisper-1', 'verbose_json'][i]}\r\n`).join('') +
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="long.wav"\r\nContent-Type: audio/wav\r\n\r\n`);
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  return new Promise((resolve, reject) => {
    const req = http.request({ port: s.port, host: '127.0.0.1', path: '/v1/audio/transcriptions', method: 'POST', agent: false, timeout: 0,
      headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}`, 'Content-Length': head.length + bytes + tail.length } }, (res) => {
      let body = '';
      res.on('data', (d) => (body += d));
      res.on('end', () => resolve({ status: res.statusCode, body }));
    });
    req.on('error', reject);
    (async () => {
      req.write(head);
      for (const piece of pieces()) if (!req.write(piece)) await new Promise((go) => req.once('drain', go));
      req.end(tail);
    })().catch(reject);
  });
}

test(`a file of ${MINUTES} minutes streams through, and the server's memory does not grow with it`, { skip, timeout: long ? 7200000 : 600000 }, async (t) => {
  const spoken = noRealSpeech ? sentences.map((w) => speak(w)) : ['austen-0880', 'austen-0930', 'goforward', 'austen-0890'].map(clip);
  const rest = silence(sparse ? 9000 : 1200);
  const pieces = [];
  let total = 0, words = [];
  for (let i = 0; total < MINUTES * 60 * 16000; i++) {
    const { samples, words: own } = spoken[i % spoken.length];
    for (const part of [samples, rest]) {
      pieces.push(Buffer.from(part.buffer, part.byteOffset, part.byteLength));
      total += part.length;
    }
    words.push(own);
  }
  words = words.join(' ');
  const head = wav(new Int16Array(0));
  head.writeUInt32LE(36 + 2 * total, 4);
  head.writeUInt32LE(2 * total, 40);
  await withWhisper({ 'pool.en.max': 2, 'server.max_body_bytes': 200e6 }, async (s) => {
    const short = await post(s, () => [wav(spoken[0].samples)], wav(spoken[0].samples).length);
    assert.equal(short.status, 200, short.body);
    const before = memoryKb(s.child.pid, 'VmRSS');
    fs.writeFileSync(`/proc/${s.child.pid}/clear_refs`, '5'); // the peak is counted anew
    const { status, body } = await post(s, function* () {
      yield head;
      yield* pieces;
    }, head.length + 2 * total);
    assert.equal(status, 200, body);
    const peak = memoryKb(s.child.pid, 'VmHWM');
    t.diagnostic(`${Math.round(total / 16000)} s of sound: ${before} kB before, at most ${peak} kB`);
    if (!sanitizer) assert.ok(peak - before < 16000, `${before} kB before, and up to ${peak}`);
    const { text, segments, duration } = JSON.parse(body);
    assert.ok(Math.abs(duration - total / 16000) < 0.1);
    assert.ok(edits(words, text) / wordsIn(words) <= 0.12, `${edits(words, text)} of ${wordsIn(words)}: ${text}`); // one of the clips is hard
    assert.ok(segments.at(-1).end > duration - 30);
  });
});

// ---- languages ----

describe('a model of many languages', { skip: noWhisper('base') }, () => {
  const base = { 'pool.en.model': 'base' };
  const words = `${sentences[0]} and ${sentences[1]}`;
  const { samples } = noWhisper('base') ? {} : speak(words);

  test('finds out which language it hears, tells it, and hears the same when it is named', async () => {
    await withWhisper({ ...base, 'pool.en.param.language': 'auto' }, async (s) => {
      const [found, named] = [await dictate(s, samples, manual), await dictate(s, samples, { ...manual, language: 'en' })];
      for (const c of [found, named]) {
        assert.equal(c.finals[0].language, 'en');
        assertSaid(c.text, words);
      }
      assert.deepEqual(found.finals[0].words, named.finals[0].words);
    });
  });

  test('translates into English on wish, which English is already; a model of English only refuses that', async () => {
    await withWhisper(base, async (s) => assertSaid((await dictate(s, samples, { ...manual, language: 'en', translate: true })).text, words));
    await withWhisper({}, async (s) => {
      const c = await Client.start(s, { ...manual, translate: true });
      assert.equal((await c.end()).code, 1008);
      assert.match(c.all('error')[0].message, /translate/);
    });
  });
});
