// Recorders that send slices, each with a WAV header of its own, and two recordings on one stream: all is heard, and no header is
// heard as audio, wherever it comes and whatever the client has said that its audio is.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { withServer, set, build } from './lib/server.mjs';
import { dictate } from './lib/client.mjs';
import { encode, resample, wav } from './lib/audio.mjs';
import { clip, join, silence } from './lib/speech.mjs';
import { assertSaid } from './lib/words.mjs';
import { bytesOf, Vosk, textOf } from './lib/protocols/vosk.mjs';
import { dictate as sherpa } from './lib/protocols/sherpa.mjs';
import { Listener, noClient, raw } from './lib/protocols/deepgram.mjs';

const skip = noClient;
const listeners = ['vosk', 'sherpa-onnx', 'wyoming', 'realtimestt-control', 'realtimestt-data', 'realtimestt-fastapi'].flatMap((name) => ['--listen', `${name}=127.0.0.1:0`]);
const server = (body) => withServer([...listeners, ...set({ 'pool.en.max': 2, 'server.max_sessions': 100 })], body);

const cut = (samples, n) => Array.from({ length: Math.ceil(samples.length / n) }, (_, i) => samples.subarray(i * n, (i + 1) * n));
const slices = (samples, n, options) => Buffer.concat(cut(samples, n).map((part) => wav(part, options)));
// Bytes, as samples, for clients that send any.
const asSamples = (bytes) => new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));

async function rest(s, bytes) {
  const form = new FormData();
  form.append('file', new Blob([bytes]), 'speech.wav');
  const r = await fetch(`http://${s.address}/v1/audio/transcriptions`, { method: 'POST', body: form });
  return JSON.parse(await r.text());
}

async function deepgram(s, query, bytes, chunk) {
  const l = await Listener.open(s, query);
  l.audio(bytes, { chunk });
  assert.equal((await l.finish()).code, 1000, JSON.stringify(l.messages));
  return { text: l.text(), duration: l.messages.at(-1).duration };
}

test('wav-slices: a client of every protocol sends slices with headers in what should be raw, and gets its words', { skip }, () =>
  server(async (s) => {
    const { samples, words, rate } = clip('goforward');
    const bytes = slices(samples, 1600);
    const heard = {};
    for (const name of ['native', 'deepgram', 'vosk', 'wyoming', 'openai_realtime', 'realtimestt', 'realtimestt_fastapi']) {
      const protocol = await import(`./lib/protocols/${name}.mjs`);
      heard[name] = await protocol.transcribe(s, { samples: asSamples(bytes), rate, words });
    }
    heard.sherpa = (await sherpa(s, bytes, { size: 999 })).text; // which says that they are floats
    for (const [name, text] of Object.entries(heard)) assertSaid(text, words, name);
  }));

test('wav-slices: files of slices, and files one behind the other, are heard to the end', { skip }, () =>
  server(async (s) => {
    const { samples, words } = clip('goforward');
    for (const options of [{}, { bits: 24 }, { kind: 'float', bits: 32 }]) {
      const bytes = slices(samples, 8000, options);
      assertSaid((await rest(s, bytes)).text, words, JSON.stringify(options));
      for (const chunk of [1001, 1 << 20]) {
        const { text, duration } = await deepgram(s, {}, bytes, chunk);
        assertSaid(text, words, JSON.stringify({ options, chunk }));
        assert.ok(Math.abs(duration - samples.length / 16000) < 0.01, `${duration}`);
      }
    }
    const twice = Buffer.concat([wav(samples), wav(samples)]);
    assertSaid((await rest(s, twice)).text, `${words} ${words}`);
    assertSaid((await deepgram(s, {}, twice, 8000)).text, `${words} ${words}`);
    const v = await Vosk.open(s);
    assertSaid(textOf(await v.dictate(twice)), `${words} ${words}`);
  }));

test('wav-slices: a second recording may be of another format, and a header goes before what was said', { skip }, () =>
  server(async (s) => {
    const { samples, words } = clip('goforward');
    const both = Buffer.concat([wav(samples), wav(resample(samples, 16000, 48000), { rate: 48000 })]);
    assertSaid((await rest(s, both)).text, `${words} ${words}`);
    assertSaid((await deepgram(s, {}, both, 8000)).text, `${words} ${words}`);
    assertSaid((await deepgram(s, { encoding: 'mulaw', sample_rate: 8000 }, both, 8000)).text, `${words} ${words}`);
    assertSaid((await dictate(s, both, { encoding: 'mulaw', sample_rate: 8000 })).text, `${words} ${words}`);
  }));

test('wav-slices: what follows the size that a header says is heard too', { skip }, () =>
  server(async (s) => {
    const { samples, words } = clip('goforward');
    const bytes = Buffer.concat([wav(samples.subarray(0, 8000)), bytesOf(samples.subarray(8000))]);
    assertSaid((await rest(s, bytes)).text, words);
    assertSaid((await deepgram(s, {}, bytes, 4000)).text, words);
    assertSaid((await deepgram(s, raw, bytes, 4000)).text, words);
  }));

test('wav-slices: a header that cannot be read in raw audio is refused in a sentence', { skip }, () =>
  server(async (s) => {
    const odd = wav(clip('goforward').samples);
    odd.writeUInt16LE(0x55, 20);
    await assert.rejects(dictate(s, Buffer.concat([bytesOf(clip('goforward').samples), odd])), /WAV format 85 with 16 bits is not supported/);
  }));

const noFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'there is no ffmpeg';
test('wav-slices: a browser\'s recorder that is stopped and started again on one stream is heard on', { skip: skip || noFfmpeg }, () =>
  server(async (s) => {
    const { words } = clip('goforward');
    const samples = join(clip('goforward').samples, silence(400));
    const as = (...args) => spawnSync('ffmpeg', ['-nostdin', '-loglevel', 'error', '-f', 'wav', '-i', '-', ...args, '-'], { input: wav(samples), maxBuffer: 1 << 26 }).stdout;
    for (const args of [['-c:a', 'libopus', '-live', '1', '-f', 'webm'], ['-c:a', 'aac', '-movflags', '+frag_keyframe+empty_moov', '-f', 'mp4'], ['-c:a', 'libopus', '-f', 'ogg']]) {
      const one = as(...args);
      const { text, duration } = await deepgram(s, {}, Buffer.concat([one, one, one]), 1501);
      assertSaid(text, [words, words, words].join(' '), args.join(' '));
      assert.ok(Math.abs(duration - (3 * samples.length) / 16000) < 3 * 0.128, `${duration}`); // of AAC: a frame before, and one that is filled up
    }
  }));

// ---- kinds of WAV ----

// Of more channels than there are samples for: all but the third are silent, as in a 5.1 mix of one voice.
function spread(samples, channels) {
  const all = new Int16Array(samples.length * channels);
  samples.forEach((v, i) => (all[i * channels + Math.min(2, channels - 1)] = v));
  return all;
}
// As a writer of files over 4 GB begins.
function rf64(bytes) {
  const ds64 = Buffer.alloc(36);
  ds64.write('ds64');
  ds64.writeUInt32LE(28, 4);
  ds64.writeBigUInt64LE(BigInt(bytes.length - 8 + 36), 8);
  ds64.writeBigUInt64LE(BigInt(bytes.length - 44), 16);
  const head = Buffer.from(bytes.subarray(0, 44));
  head.write('RF64');
  head.writeUInt32LE(0xffffffff, 4);
  head.writeUInt32LE(0xffffffff, 40);
  return Buffer.concat([head.subarray(0, 12), ds64, head.subarray(12), bytes.subarray(44)]);
}
const kinds = (samples) => ({
  '96 kHz': wav(resample(samples, 16000, 96000), { rate: 96000 }),
  '192 kHz, stereo': wav(spread(resample(samples, 16000, 192000), 2), { rate: 192000, channels: 2 }),
  '5.1': wav(spread(samples, 6), { channels: 6 }),
  '7.1 of 24 bit': wav(spread(samples, 8), { channels: 8, bits: 24 }),
  '32 bit': wav(samples, { bits: 32 }),
  RF64: rf64(wav(samples)),
});

async function transcribe(s, file) {
  const child = spawn(path.join(build, 'stenopool'), ['transcribe', '--server', s.address, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  for await (const piece of child.stdout) out += piece;
  return out.trim();
}

test('deepgram-live-wav-kinds: WAV of studios and of films is heard live as it is as a file, and by transcribe', { skip }, () =>
  server(async (s) => {
    const { samples, words } = clip('goforward');
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-slices-'));
    try {
      for (const [name, bytes] of Object.entries(kinds(samples))) {
        const file = path.join(dir, 'a.wav');
        fs.writeFileSync(file, bytes);
        assertSaid((await rest(s, bytes)).text, words, `${name} by REST`);
        assertSaid((await deepgram(s, {}, bytes, 30011)).text, words, `${name} live`);
        assertSaid(await transcribe(s, file), words, `${name} by transcribe`);
      }
    } finally {
      fs.rmSync(dir, { recursive: true });
    }
  }));

test('deepgram-live-wav-kinds: raw audio may be as fine as WAV', { skip }, () =>
  server(async (s) => {
    const { samples, words } = clip('goforward');
    const six = bytesOf(spread(samples, 6));
    const fine = bytesOf(resample(samples, 16000, 96000));
    const bits24 = wav(samples, { bits: 24 }).subarray(44);
    assertSaid((await deepgram(s, { encoding: 'linear16', sample_rate: 96000 }, fine, 8001)).text, words);
    assertSaid((await deepgram(s, { encoding: 'linear16', sample_rate: 16000, channels: 6 }, six, 8001)).text, words);
    assertSaid((await dictate(s, six, { channels: 6 })).text, words);
    assertSaid((await dictate(s, bits24, { encoding: 'pcm_s24le' })).text, words);
    assertSaid((await dictate(s, encode(resample(samples, 16000, 192000), 'pcm_f32le'), { encoding: 'pcm_f32le', sample_rate: 192000 })).text, words);
  }));
