// A real microphone in a real room, through the real server: every pause ends an utterance, whatever it is cut into on its way.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client } from './lib/client.mjs';
import { ownStore, withServer, fake, root, run, set } from './lib/server.mjs';
import { readWav } from './lib/speech.mjs';
import { edits, wordsIn } from './lib/words.mjs';
import { modelPath, needs, noWhisper } from './lib/models.mjs';

const rooms = process.env.STENOPOOL_TEST_ROOMS || path.resolve(root, '../shared/rooms');
const file = path.join(rooms, 'asr-reference.wav');
const weights = modelPath('silero-v6.2');
const skip = needs('silero-v6.2') || (fs.existsSync(file) ? false : `no recordings of rooms at ${rooms} (STENOPOOL_TEST_ROOMS)`);

// Where Silero's authors' own implementation finds the pauses of 600 ms and more, at its default threshold; seconds.
const PAUSES = [[0.80, 1.79], [7.71, 8.67], [15.78, 16.80], [22.85, 24.03], [28.86, 29.66], [36.42, 37.47], [43.84, 44.51], [48.90, 49.60]];
const EDGE_MS = 60; // hops are 10 ms, windows 32

const near = (got, want, what) => assert.ok(Math.abs(got - want) <= EDGE_MS, `${what}: at ${got} ms, and not near ${want}`);

async function hear(server, samples, chunk) {
  const c = await Client.start(server, { partials: false });
  c.audio(samples, { chunk });
  await c.finish();
  return { starts: c.all('speech_start').map((e) => e.at_ms), ends: c.all('speech_end').map((e) => e.at_ms), finals: c.finals.map((f) => f.text) };
}

test('nine sentences with eight pauses between them are nine utterances, each with its own speech', { skip }, async () => {
  await withServer([...fake({ 'pool.en.max': 5 }), '--set', 'vad.vad=silero'], async (server) => {
    const { samples } = readWav(file);
    const heard = await hear(server, samples, 640);

    assert.equal((await server.status()).vad, 'silero');
    assert.equal(heard.finals.length, PAUSES.length + 1);
    PAUSES.forEach(([from, to], i) => {
      near(heard.ends[i], from * 1000, `the end of utterance ${i + 1}`);
      near(heard.starts[i + 1], to * 1000, `the begin of utterance ${i + 2}`);
    });
    // Whatever the chunks, and beside others.
    const others = await Promise.all([32, 31998, 640, 6400].map((chunk) => hear(server, samples, chunk)));
    for (const other of others) assert.deepEqual(other, heard);
  }, { env: ownStore });
});

test("each final is its sentence's, and nobody else's", { skip: skip || noWhisper('tiny.en') }, async () => {
  const lines = fs.readFileSync(path.join(rooms, 'asr-reference.txt'), 'utf8').trim().split('\n');
  await withServer(set({ 'pool.en.engine': 'whisper', 'pool.en.max': 1 }), async (server) => {
    const { finals } = await hear(server, readWav(file).samples, 640);

    assert.equal(finals.length, lines.length);
    finals.forEach((text, i) => {
      const share = lines.map((line) => edits(line, text) / wordsIn(line));
      assert.ok(share[i] <= 0.25, `"${text}" for "${lines[i]}"`);
      share.forEach((s, j) => assert.ok(j === i || s > 0.5, `"${text}" is as much "${lines[j]}" as "${lines[i]}"`));
    });
  }, { env: ownStore });
});

test('a server that is to listen with Silero VAD and has no weights says how to get them', async () => {
  const { code, stderr } = await run(['serve', '--set', 'vad.vad=silero', '--check'], { env: { STENOPOOL_MODELS: '/nowhere' } });
  assert.equal(code, 2);
  assert.match(stderr, /vad: silero-v6\.2 is not here; get it with: stenopool models pull silero-v6\.2/);
});

test('a server that may choose listens with the statistical detector where there are no weights, and says so', async () => {
  await withServer([...fake(), '--set', 'vad.vad=auto'], async (server) => {
    assert.equal((await server.status()).vad, 'statistical');
    await server.says('speech is looked for by the statistical detector; .*stenopool models pull');
  }, { env: { STENOPOOL_MODELS: '/nowhere' } });
});

test('weights that are damaged are no weights', { skip: needs('silero-v6.2') }, async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-weights-'));
  const bytes = fs.readFileSync(weights);

  bytes[bytes.length - 1] ^= 1;
  fs.writeFileSync(path.join(dir, path.basename(weights)), bytes);
  const { code, stderr } = await run(['serve', '--set', 'vad.vad=silero', '--check'], { env: { STENOPOOL_MODELS: dir } });
  fs.rmSync(dir, { recursive: true });
  assert.equal(code, 2);
  assert.match(stderr, /vad: .*ggml-silero-v6\.2\.0\.bin is not what it should be: its SHA-256 is /);
});

test('weights that have come are listened with after SIGHUP, by the sessions that begin then', { skip: needs('silero-v6.2') }, async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-weights-'));

  await withServer([...fake(), '--set', 'vad.vad=auto'], async (server) => {
    assert.equal((await server.status()).vad, 'statistical');
    fs.copyFileSync(weights, path.join(dir, path.basename(weights)));
    server.child.kill('SIGHUP');
    await server.says('speech is looked for by Silero VAD');
    assert.equal((await server.status()).vad, 'silero');
  }, { env: { STENOPOOL_MODELS: dir } });
  fs.rmSync(dir, { recursive: true });
});
