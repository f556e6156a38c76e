// Models of Whisper: what is none, or another than was meant, is refused in a sentence before anything is lent; and one is
// changed for another while clients speak.
import test, { after, before, describe } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ownStore, root, withServer } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { losses, none } from './lib/faults.mjs';
import { modelPath, noWhisper } from './lib/models.mjs';
import { Settings, reload } from './lib/ops.mjs';
import { heard } from './lib/residue.mjs';
import { sentences, speak } from './lib/speech.mjs';
import { compute, storeOf, whisper } from './lib/whisper.mjs';
import { assertSaid } from './lib/words.mjs';

const skip = noWhisper('tiny.en');
const skipPair = noWhisper('tiny.en', 'tiny.en-q8_0');
const skipBase = noWhisper('tiny.en', 'base');
const manual = { endpointing: 'manual', partials: false };
const NAME = 'ggml-tiny.en.bin';
const words = `${sentences[0]} and ${sentences[1]}`;

let dir;
before(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-models-'));
  fs.chmodSync(dir, 0o755); // for hosts, which are not root's where the server is
});
after(() => fs.rmSync(dir, { recursive: true, force: true }));
let folders = 0;
function folder() {
  const made = path.join(dir, `${++folders}`);
  fs.mkdirSync(made);
  return made;
}

// The start of a model, `bytes` of it or that share.
function cut(to, bytes) {
  const whole = fs.readFileSync(modelPath('tiny.en'));
  fs.writeFileSync(to, whole.subarray(0, bytes < 1 ? Math.floor(whole.length * bytes) : bytes));
}

// What stands in the place of the model, and what is said of it; `named`: where it is looked for by the name tiny.en.
const refused = [
  { what: 'a file that is cut', make: (f) => cut(f, 0.5), says: /model: \S+ggml-tiny\.en\.bin is cut: it has \d+ bytes, and its tensor \S+ needs \d+ more$/ },
  { what: 'a file that is cut after its magic', make: (f) => cut(f, 4), says: /model: \S+ggml-tiny\.en\.bin is cut: it has 4 bytes/ },
  { what: 'an empty file', make: (f) => fs.writeFileSync(f, ''), says: /model: \S+ggml-tiny\.en\.bin is cut: it has 0 bytes/ },
  { what: 'a file of something else', make: (f) => fs.copyFileSync(path.join(root, 'data/warmup.wav'), f),
    says: /model: \S+ggml-tiny\.en\.bin is no ggml model of Whisper/ },
  { what: 'another model under its name', named: true, skip: skipBase, make: (f) => fs.symlinkSync(modelPath('base'), f),
    says: /model: \S+ggml-tiny\.en\.bin is not what it should be: its SHA-256 is \w+\.\.\., not \w+\.\.\.$/ },
  { what: 'a file that nobody may read', make: (f) => {
    fs.copyFileSync(modelPath('tiny.en'), f);
    fs.chmodSync(f, 0);
  }, says: /model: \S+ggml-tiny\.en\.bin may not be read by user \d+/ },
];

// One sentence of the host, and nobody was let in.
async function assertRefused(s, says) {
  await s.until(async () => (await s.pool()).state === 'failed', 'the pool has failed');
  const pool = await s.pool();
  assert.match(pool.failure, says);
  assert.ok(!/\n/.test(pool.failure) && pool.failure.length < 256, pool.failure);
  await s.says(/ error host en: model: /);
  const said = s.log.split('\n').filter((line) => / error /.test(line));
  assert.deepEqual(said.map((line) => line.replace(/.* error host en: /, 'pool en: ')), [pool.failure]);
  assert.deepEqual(pool.instances, []);
  assert.equal((await s.get('/readyz')).status, 503);
  const m = await s.metrics();
  assert.deepEqual([m['pool_leases_granted_total{pool="en"}'], m['pool_utterances_begun_total{pool="en"}']], [0, 0]);
}

const patient = { 'pool.en.backoff_min_ms': 3600000, 'pool.en.backoff_max_ms': 3600000 };

describe('refused', { skip }, () => {
  for (const { what, make, says, named = false, skip: more = false } of refused) {
    for (const how of named ? ['by its name'] : ['by its name', 'by its path']) {
      test(`${what}, asked for ${how}`, { skip: more }, async () => {
        const store = folder();
        const file = path.join(store, NAME);
        make(file);
        const model = how === 'by its name' ? 'tiny.en' : file;
        try {
          await withServer(whisper({ 'pool.en.model': model, ...patient }), (s) => assertRefused(s, says),
            { ready: false, sums: false, env: { STENOPOOL_MODELS: store } });
        } finally {
          fs.rmSync(store, { recursive: true });
        }
      });
    }
  }
});

// ---- another model while clients speak ----

const hostPid = async (s) => (await s.pool()).host_pid;

async function withModels(model, body, more = {}) {
  const settings = new Settings({});
  const section = (name) => ({ 'pool.en': { engine: 'whisper', model: name, max: 4, backoff_min_ms: 3600000, backoff_max_ms: 3600000, ...more } });
  settings.write(section(model));
  try {
    await withServer(['-c', settings.file], (s) => body(s, async (name) => {
      settings.write(section(name));
      await reload(s);
    }), { env: ownStore });
  } finally {
    settings.remove();
  }
}

const told = (finals) => finals.map(({ cause, ...f }) => f);

for (const [other, why] of [['tiny.en-q8_0', skipPair], ['base', skipBase]]) {
  test(`tiny.en is changed for ${other} under load: no word is lost, and who comes then is told of the new one`, { skip: skip || why }, async () => {
    await withModels('tiny.en', async (s, change) => {
      const { samples } = speak(words);
      const first = await dictate(s, samples, manual);
      assert.deepEqual([first.all('ready')[0].engine, first.all('ready')[0].model], ['whisper', 'tiny.en']);
      const expected = told(heard(first));
      const host = await hostPid(s);
      // One has begun to speak, one computes; a third one says its second utterance afterwards.
      const [open, computing, two] = await Promise.all([1, 2, 3].map(() => Client.start(s, manual)));
      for (const c of [open, computing, two]) {
        await c.event('ready');
        c.audio(samples);
      }
      await s.untilMetric('pool_utterances_begun_total{pool="en"}', 4);
      two.send({ type: 'commit' });
      await two.event('final');
      computing.send({ type: 'commit' });
      await s.until(async () => (await compute(s)).held === 1 || computing.finals.length > 0, 'it is computed');
      await change(other);
      assert.equal((await s.get('/readyz')).status, 200);
      await s.until(async () => (await hostPid(s)) !== host, 'another host serves');
      for (const c of [open, computing]) {
        await c.finish();
        assert.deepEqual(told(heard(c)), expected);
      }
      two.audio(samples); // who hears it was lent before
      two.send({ type: 'commit' });
      await two.event('final', 1);
      two.audio(samples);
      await two.finish();
      assert.deepEqual(told(heard(two)).slice(0, 1), expected);
      const fresh = await dictate(s, samples, manual);
      assert.deepEqual([fresh.all('ready')[0].engine, fresh.all('ready')[0].model], ['whisper', other]);
      const [{ text, confidence }] = fresh.finals;
      assertSaid(two.finals[1].text, words);
      assert.deepEqual([two.finals[2].text, two.finals[2].confidence], [text, confidence]);
      assert.notEqual(confidence, expected[0].confidence);
      assertSaid(text, words);
      await s.until(() => !fs.existsSync(`/proc/${host}`), 'the old host has gone');
      const { worn, ...lost } = await losses(s); // those that had heard nothing yet were replaced
      assert.deepEqual({ ...lost, worn: 0 }, none);
    });
  });
}

test('a model that is cut leaves the old one at work when it is loaded anew, and status says why', { skip }, async () => {
  const store = folder();
  const file = path.join(store, 'ggml-other.bin');
  cut(file, 0.9);
  await withModels('tiny.en', async (s, change) => {
    const { samples } = speak(sentences[0]);
    const expected = heard(await dictate(s, samples, manual));
    const host = await hostPid(s);
    await change(file);
    await s.until(async () => (await s.pool()).reload_failure, 'status says why');
    assert.match((await s.pool()).reload_failure, /model: \S+ggml-other\.bin/);
    await s.says(/error host en: the model could not be loaded anew, the old one serves on: model: \S+ggml-other\.bin/);
    const c = await dictate(s, samples, manual);
    assert.deepEqual([await hostPid(s), c.all('ready')[0].model, heard(c)], [host, 'tiny.en', expected]);
    fs.rmSync(file);
    storeOf(store, { 'ggml-other.bin': NAME });
    await change(file);
    await s.until(async () => (await hostPid(s)) !== host, 'another host serves');
    assert.equal((await s.pool()).reload_failure, undefined);
    const mended = await dictate(s, samples, manual);
    assert.equal(mended.all('ready')[0].model, 'other');
    assertSaid(mended.text, sentences[0]);
  });
});
