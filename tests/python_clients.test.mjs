// Python's WebSocket packages and its own streams as clients, in scripts that do what the samples of Vosk and sherpa-onnx, WhisperLive's
// client and Home Assistant do. Where the packages are not installed (tools/install-packages test) all is skipped.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root, withServer, set } from './lib/server.mjs';
import { wav } from './lib/audio.mjs';
import { sentences, speak } from './lib/speech.mjs';
import { assertSaid } from './lib/words.mjs';
import { deadline } from './lib/wait.mjs';

// Debian's packages are seen by Debian's Python, which need not be the first one in the path.
const pythons = ['/usr/bin/python3', 'python3'];
const python = pythons.find((p) => spawnSync(p, ['-c', 'import websocket, websockets']).status === 0);
const skip = python ? false : 'the packages websocket and websockets are not installed for Python';
const listeners = [...['vosk', 'sherpa-onnx', 'whisperlive', 'wyoming'].flatMap((name) => ['--listen', `${name}=127.0.0.1:0`]), ...set({ 'pool.en.max': 2 })];

// The lines that the script prints, of a clip with these words.
async function run(script, port, words) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-python-'));
  const file = path.join(dir, 'clip.wav');
  fs.writeFileSync(file, wav(speak(words).samples));
  let child;
  const done = new Promise((resolve, reject) => {
    child = execFile(python, [path.join(root, 'tests/lib/python', script), `ws://127.0.0.1:${port}`, file], (e, out, err) =>
      e ? reject(new Error(`${e.message}: ${err}`)) : resolve(out));
    child.stdin.end();
  });
  try {
    const out = await deadline(done, () => `${script} to end`);
    return out.trim().split('\n').map((line) => JSON.parse(line));
  } finally {
    child.kill('SIGKILL');
    fs.rmSync(dir, { recursive: true });
  }
}

for (const [script, what] of [['vosk_async.py', 'websockets'], ['vosk_blocking.py', 'websocket']]) {
  test(`vosk end: Python's ${what} hears the words in lock-step, and the close is in order`, { skip }, () =>
    withServer(listeners, async (server) => {
      const lines = await run(script, server.ports.vosk, sentences[0]);
      assert.deepEqual(lines.pop(), { close: 1000 });
      assertSaid(lines.map((l) => l.text).filter(Boolean).join(' '), sentences[0]);
      assert.ok('text' in lines.at(-1), 'the answer to eof is a result');
    }));
}

test("sherpa end: Python's websockets takes the last object for its result, and the close is in order", { skip }, () =>
  withServer(listeners, async (server) => {
    const lines = await run('sherpa_async.py', server.ports['sherpa-onnx'], sentences[1]);
    assert.deepEqual(lines.slice(-2), ['Done!', { close: 1000 }]);
    const results = lines.slice(0, -2);
    assert.equal(results.at(-1).is_eof, true);
    assertSaid(results.filter((r) => r.is_final).map((r) => r.text).filter(Boolean).join(' '), sentences[1]);
  }));

test("whisperlive commit: Python's websocket with callbacks has all its words before it says END_OF_AUDIO, and the close is in order", { skip }, () =>
  withServer(listeners, async (server) => {
    const lines = await run('whisperlive_app.py', server.ports.whisperlive, sentences[0]);
    assert.deepEqual(lines.shift(), { uid: 'u1', message: 'SERVER_READY', backend: 'faster_whisper' });
    assert.deepEqual(lines.pop(), { close: 1000 });
    assertSaid(lines.at(-1).segments.map((s) => [s.text, s.completed]), [[` ${sentences[0]}`, true]]);
  }));

test("wyoming end: Python's streams get an info, and a transcript while they still listen", { skip }, () =>
  withServer(listeners, async (server) => {
    const [info, ...events] = await run('wyoming_streams.py', server.ports.wyoming, sentences[1]);
    assert.equal(info.type, 'info');
    assert.deepEqual(info.asr[0].models.map((m) => m.languages), [['en']]);
    const transcript = events.pop();
    assertSaid([transcript.type, transcript.text], ['transcript', sentences[1]]);
    assertSaid(events.filter((e) => e.type === 'transcript-chunk').map((e) => e.text).join(''), sentences[1]);
  }));
