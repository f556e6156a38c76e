// Speech with its words: real clips where they are, otherwise spoken by flite.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from './server.mjs';

export const audioDir = process.env.STENOPOOL_TEST_AUDIO || path.resolve(root, '../shared/audio');
export const noRealSpeech = fs.existsSync(path.join(audioDir, 'goforward.wav'))
  ? false
  : `no real speech at ${audioDir} (STENOPOOL_TEST_AUDIO)`;

// { samples: Int16Array, rate } of a 16-bit mono WAV file.
export function readWav(file) {
  const b = fs.readFileSync(file);
  let rate = 0;
  for (let at = 12; at + 8 <= b.length; ) {
    const id = b.toString('latin1', at, at + 4);
    const n = b.readUInt32LE(at + 4);
    if (id === 'fmt ') rate = b.readUInt32LE(at + 12);
    if (id === 'data') {
      const data = b.subarray(at + 8, Math.min(at + 8 + n, b.length));
      const samples = new Int16Array(data.length >> 1);
      for (let i = 0; i < samples.length; i++) samples[i] = data.readInt16LE(2 * i);
      return { samples, rate };
    }
    at += 8 + n + (n & 1);
  }
  throw new Error(`${file} has no data`);
}

// What flite says in the place of one: PocketSphinx hears it word for word, also where a codec has changed the sound a little.
const standIns = { goforward: 'thank you very much indeed' };

export function clip(name) {
  if (noRealSpeech && standIns[name]) return { ...speak(standIns[name]), name };
  return {
    name,
    file: path.join(audioDir, `${name}.wav`),
    words: fs.readFileSync(path.join(audioDir, `${name}.txt`), 'utf8').trim(),
    ...readWav(path.join(audioDir, `${name}.wav`)),
  };
}

// PocketSphinx hears these sentences word for word.
export const sentences = ['the weather is nice today', 'please call me tomorrow morning'];

const spoken = new Map();
export function speak(words) {
  if (!spoken.has(words)) {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-speech-'));
    const file = path.join(dir, 'x.wav');
    execFileSync('flite', ['-voice', 'slt', '-t', words, '-o', file]);
    spoken.set(words, { name: words, file, words, ...readWav(file) });
    process.once('exit', () => fs.rmSync(dir, { recursive: true }));
  }
  return spoken.get(words);
}

export const silence = (ms) => new Int16Array(16 * ms);
export function join(...parts) {
  const all = new Int16Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return all;
}

// A sound that speech detection takes for speech and the fake engine for words; another one for each seed. A voice
// of many harmonics that rises and falls four times a second, in a room that is not quite silent.
export function babble(ms, seed = 1) {
  const samples = new Int16Array(16 * ms);
  const pitch = 110 + (seed % 7) * 13;
  const formant = 500 + (seed % 5) * 130;
  let noise = seed;
  for (let i = 0; i < samples.length; i++) {
    const t = i / 16000;
    let voice = 0;
    noise = (Math.imul(noise, 1664525) + 1013904223) >>> 0;
    for (let h = 1; h * pitch < 5000; h++) {
      voice += Math.sin(2 * Math.PI * h * pitch * t + h * h) * (0.15 + Math.exp(-(((h * pitch - formant) / 600) ** 2)));
    }
    samples[i] = Math.round(1800 * voice * Math.max(0, Math.sin(2 * Math.PI * 4 * t)) + 40 * (noise / 2 ** 32 - 0.5));
  }
  return samples;
}

// What makes the fake engine misbehave (src/engine/fake.h).
const FAULTS = { crash: 1, hang: 2, garbage: 3, leak: 4, exit: 5, fail: 6, open: 7, socket: 8, exec: 9 };
const WHERES = { audio: 0, partial: 1, end: 2, decode: 4 };
export function fault(what, where = 'audio', argument = 0) {
  return Int16Array.from([...fakeMarker(), FAULTS[what] * 1000, WHERES[where] * 1000, argument * 100]);
}
function fakeMarker() {
  const source = fs.readFileSync(path.join(root, 'src/engine/fake_fault.c'), 'utf8');
  return source.match(/fake_marker\[[^\]]*\]\s*=\s*\{([^}]*)\}/)[1].split(',').map(Number);
}
