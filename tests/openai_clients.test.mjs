// OpenAI's own client for Python (of three times), LiveKit Agents and pipecat, unmodified: what each is told in its own words.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { root, set, withServer } from './lib/server.mjs';
import { clientPython, runClient } from './lib/clients.mjs';
import { wav } from './lib/audio.mjs';
import { clip, silence, join } from './lib/speech.mjs';
import { assertSaid, said } from './lib/words.mjs';
import { deadline } from './lib/wait.mjs';

const { words } = clip('goforward');
const speech = join(silence(300), clip('goforward').samples, silence(300));
const at24k = (s) => Int16Array.from({ length: Math.floor(s.length * 1.5) - 1 }, (_, i) => s[Math.floor(i / 1.5)]);
const parse = (out) => out.trim().split('\n').map((line) => JSON.parse(line));

async function withFile(samples, rate, body) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-clients-'));
  const file = path.join(dir, 'speech.wav');
  fs.writeFileSync(file, wav(samples, { rate }));
  try {
    await body(file);
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
}

// Runs the program until it ends; `heard` is told each of its lines and the way to write one to it.
async function converse(python, program, args, heard) {
  const child = spawn(python, [path.join(root, 'tests/clients', program), ...args.map(String)], { stdio: ['pipe', 'pipe', 'pipe'] });
  const lines = [];
  let out = '', err = '';
  child.stdin.on('error', () => {});
  child.stderr.on('data', (d) => (err += d));
  child.stdout.on('data', (d) => {
    out += d;
    for (let end; (end = out.indexOf('\n')) >= 0; out = out.slice(end + 1)) {
      lines.push(JSON.parse(out.slice(0, end)));
      Promise.resolve(heard?.(lines.at(-1), lines)).then((say) => say && child.stdin.write('\n'));
    }
  });
  try {
    const code = await deadline(new Promise((resolve, reject) => child.on('error', reject).on('close', resolve)), () => `${program}; it said ${JSON.stringify(lines)} ${err}`);
    assert.equal(code, 0, err);
    return lines;
  } finally {
    child.kill('SIGKILL');
  }
}

// A client of the native protocol that says nothing is ended for it, so as long as that another one has said nothing either.
const otherIsEnded = (s) => deadline(new Promise((resolve) => {
  const socket = net.connect(s.port, '127.0.0.1', () => socket.write('GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'));
  socket.resume().on('error', () => {}).on('close', () => resolve(true));
}), () => 'the end of one that says nothing');

const real = (name) => clientPython(name).skip;
const place = { 'pool.en.max': 2 };

test('openai 0.28 for Python: each format is understood, and a refusal', { skip: real('openai-0.28') }, () =>
  withFile(speech, 16000, (file) => withServer(set(place), async (s) => {
    const { code, out, err } = await runClient(clientPython('openai-0.28').python, 'openai_legacy.py', [`http://${s.address}`, file]);
    assert.equal(code, 0, err);
    const lines = parse(out);
    const of = (format) => lines.find((l) => l.format === format).answer;
    assertSaid(of('json').text, words);
    assertSaid(of('text'), `${words}\n`);
    const [, srt] = of('srt').match(/^1\n00:00:00,\d+ --> 00:00:0\d,\d+\n(.+)\n\n$/);
    assertSaid(srt, words);
    assert.match(of('vtt'), /^WEBVTT\n\n00:00:00\.\d+ --> /);
    assertSaid(of('verbose_json').text, words);
    assert.match(of('verbose_json').language, /^en(glish)?$/);
    const refused = lines.find((l) => l.refused);
    assert.deepEqual([refused.param, refused.status], ['temperature', 400]);
    assert.ok(lines.at(-1).models.includes('whisper-1'));
  })));

for (const [name, extra] of [['openai-1', []], ['openai', ['diarized']]]) {
  test(`${name} for Python: each format, a stream and refusals with their id`, { skip: real(name) }, () =>
    withFile(speech, 16000, (file) => withServer(set(place), async (s) => {
      const { code, out, err } = await runClient(clientPython(name).python, 'openai_rest.py', [`http://${s.address}`, file, ...extra]);
      assert.equal(code, 0, err);
      const lines = parse(out);
      const kinds = Object.fromEntries(lines.filter((l) => l.format).map((l) => [l.format, l.kind]));
      assert.deepEqual(kinds, { json: 'Transcription', text: 'str', srt: 'str', vtt: 'str', verbose_json: 'TranscriptionVerbose', ...(extra.length && { diarized_json: 'TranscriptionDiarized' }) });
      for (const { answer } of lines.filter((l) => l.format)) assert.ok(said(answer.text ?? answer).includes(words), JSON.stringify(answer));
      const stream = lines.find((l) => 'stream' in l);
      assertSaid([stream.stream, stream.done], [words, words]);
      const refused = lines.filter((l) => l.refused);
      assert.deepEqual(refused.map((l) => [l.type, l.param]), [['invalid_request_error', 'temperature'], ['invalid_request_error', 'timestamp_granularities[]'], ['invalid_request_error', null]]);
      for (const { id } of refused) assert.match(id, /^req_/);
      assert.equal(lines.at(-1).one, 'small');
    })));

  for (const [model, way] of [['gpt-4o-transcribe', 'vad'], ['gpt-realtime-whisper', 'commit'], ['gpt-4o-transcribe', 'idle']]) {
    test(`${name} for Python, Realtime (${way}): ${model} is heard without an error`, { skip: real(name) }, () =>
      withFile(at24k(speech), 24000, (file) => withServer(set({ ...place, 'server.idle_timeout_ms': 500, 'server.start_timeout_ms': 500 }), async (s) => {
        const idle = (line) => line.type === 'waits' && otherIsEnded(s);
        const events = await converse(clientPython(name).python, 'openai_realtime.py', [`http://${s.address}`, file, model, way], idle);
        assert.deepEqual(events.filter((e) => e.type === 'error'), []);
        assertSaid(events.at(-1).transcript, words);
        const started = events.filter((e) => e.type.endsWith('speech_started')).length;
        assert.equal(started > 0, way !== 'commit');
      })));
  }
}

// Between the two times that they speak they are silent for so long that the place has been given back.
const quiet = { ...place, 'server.idle_timeout_ms': 500 };
const rested = (s) => s.until(async () => (await s.status()).sessions.length === 0, 'the place is given back').then(() => true);

const twice = (name, program, model, way, final) =>
  test(`${name}: ${model} (${way}) is heard, is silent, and is heard again on the same connection`, { skip: real(name) }, () =>
    withFile(at24k(speech), 24000, (file) => withServer(set(quiet), async (s) => {
      const lines = await converse(clientPython(name).python, program, [`http://${s.address}`, file, model, way], (line, all) =>
        line.type === final && all.filter((l) => l.type === final).length === 1 && rested(s));
      assertSaid(lines.filter((l) => l.type === final).map((l) => l.text), [words, words], JSON.stringify(lines));
      assert.deepEqual(lines.filter((l) => l.type === 'ErrorFrame'), []);
      const m = await s.metrics();
      assert.equal(m.sessions_opened_total, 2);
    })));

twice('livekit-agents', 'livekit_stt.py', 'gpt-4o-transcribe', 'realtime', 'final_transcript');
twice('livekit-agents', 'livekit_stt.py', 'gpt-realtime-whisper', 'realtime', 'final_transcript');
twice('pipecat-ai', 'pipecat_stt.py', 'gpt-4o-transcribe', 'server', 'TranscriptionFrame');
twice('pipecat-ai', 'pipecat_stt.py', 'gpt-realtime-whisper', 'local', 'TranscriptionFrame');

test('livekit-agents: a file over REST is heard, with the language that heard it', { skip: real('livekit-agents') }, () =>
  withFile(at24k(speech), 24000, (file) => withServer(set(place), async (s) => {
    const lines = await converse(clientPython('livekit-agents').python, 'livekit_stt.py', [`http://${s.address}`, file, 'whisper-1', 'rest']);
    assertSaid(lines.map((l) => [l.type, l.language, l.text]), [['final_transcript', 'en', words]]);
  })));
