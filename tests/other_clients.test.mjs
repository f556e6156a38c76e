// Other people's clients of Vosk, sherpa-onnx and Wyoming, unmodified, from their own packages (tests/clients/*.txt).
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fake, set, withServer } from './lib/server.mjs';
import { wav } from './lib/audio.mjs';
import { babble, join, sentences, silence, speak } from './lib/speech.mjs';
import { assertSaid, said } from './lib/words.mjs';
import { clientPython, runClient, runProgram } from './lib/clients.mjs';

const real = set({ 'pool.en.max': 2 });
const vosk = clientPython('vosk');
const sherpa = clientPython('sherpa-onnx');
const wyoming = clientPython('wyoming');
const on = (name, args, body) => () => withServer(['--listen', `${name}=127.0.0.1:0`, ...args], (server) => body(server, server.ports[name]));
const lines = (out) => out.split('\n').filter((l) => l.startsWith('{')).map((l) => JSON.parse(l));

function clipOf(server, samples) {
  const file = path.join(server.dir, 'clip.wav');
  fs.writeFileSync(file, wav(samples));
  return file;
}

async function run(client, program, args) {
  const { code, out, err } = await runClient(client.python, program, args);
  assert.equal(code, 0, `${out}${err}`);
  return lines(out);
}

test('vosk client: its transcriber prints the words, and subtitles of them', { skip: vosk.skip },
  on('vosk', real, async (server, port) => {
    const [{ text, srt }] = await run(vosk, 'vosk_transcriber.py', [`ws://127.0.0.1:${port}`, clipOf(server, speak(sentences[0]).samples)]);
    assertSaid(text.trim(), sentences[0]);
    assert.match(srt.toLowerCase(), new RegExp(`-->.*\n${sentences[0]}`));
  }));

test('vosk client: two sentences with a pause between them are two lines', { skip: vosk.skip },
  on('vosk', fake(), async (server, port) => {
    const [{ text }] = await run(vosk, 'vosk_transcriber.py', [`ws://127.0.0.1:${port}`, clipOf(server, join(babble(1500), silence(1500), babble(1500, 2)))]);
    assert.equal(text.trim().split('\n').length, 2, text);
  }));

test('sherpa client: the C++ client of the streaming server prints the words in its last segments', { skip: sherpa.skip },
  on('sherpa-onnx', real, async (server, port) => {
    const program = path.join(path.dirname(sherpa.python), 'sherpa-onnx-online-websocket-client');
    const file = clipOf(server, join(speak(sentences[0]).samples, silence(1500), speak(sentences[1]).samples));
    const { code, err } = await runProgram(program, [`--server-port=${port}`, '--seconds-per-message=0', file]);
    assert.equal(code, 0, err);
    const said = [...err.matchAll(/ (\{.*\})$/gm)].map(([, json]) => JSON.parse(json)); // behind the line of its source
    assertSaid(said.filter((s) => s.is_final).map((s) => s.text).filter(Boolean), sentences);
    assert.equal(said.at(-1).is_eof, true);
    assert.match(err, /Disconnected/);
  }));

test("wyoming client: the package's client gets an info, and a transcript of what its chunks grow to", { skip: wyoming.skip },
  on('wyoming', real, async (server, port) => {
    const [pong, info, ...events] = await run(wyoming, 'wyoming_client.py', [`tcp://127.0.0.1:${port}`, clipOf(server, speak(sentences[1]).samples)]);
    assert.deepEqual(pong, { pong: 'there?' });
    assert.deepEqual(info, { asr: [['en']], streams: true });
    assert.equal(events.at(-1).type, 'transcript');
    assertSaid(events.at(-1).text, sentences[1]);
    const chunks = events.filter((e) => e.type === 'transcript-chunk').map((e) => e.text);
    assert.ok(said(events.at(-1).text).startsWith(said(chunks.join(''))), JSON.stringify(chunks));
  }));
