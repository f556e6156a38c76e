// WhisperLive's own Python client (whisper-live, pinned by tests/clients/whisper-live.txt), unmodified.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fake, set, withServer } from './lib/server.mjs';
import { wav } from './lib/audio.mjs';
import { babble, join, sentences, silence, speak } from './lib/speech.mjs';
import { assertSaid } from './lib/words.mjs';
import { clientPython, runClient } from './lib/clients.mjs';

const { python, skip } = clientPython('whisper-live');
const listener = ['--listen', 'whisperlive=127.0.0.1:0'];
const lines = (out) => out.split('\n').filter((l) => l.startsWith('{')).map((l) => JSON.parse(l));

async function run(server, program, samples, ...more) {
  const file = path.join(server.dir, 'clip.wav');
  fs.writeFileSync(file, wav(samples));
  const { code, out, err } = await runClient(python, program, ['127.0.0.1', server.ports.whisperlive, file, ...more]);
  assert.equal(code, 0, `${out}${err}`);
  return lines(out);
}

// The fake engine's finals have words that no partial had.
for (const [what, more, samples, count] of [
  ['a sentence', fake(), babble(2500), 1],
  ['two sentences', fake(), join(babble(2500), silence(1500), babble(1500, 2)), 2],
  ['real speech', set({ 'pool.en.max': 1 }), speak(sentences[0]).samples, 1],
])
  test(`clients/whisperlive-stale-tail: ${what}: the last comes once in what the client returns and in its SRT`, { skip }, () =>
    withServer([...listener, ...more], async (server) => {
      const [{ text, segments, srt }] = await run(server, 'whisper_live_file.py', samples, server.dir, count);
      assert.equal(segments.length, count, JSON.stringify(segments));
      assert.ok(segments.every(([, completed]) => completed), JSON.stringify(segments));
      assert.equal(text, segments.map(([t]) => t.trim()).join(' '));
      assert.deepEqual(srt.split('\n\n').filter(Boolean).map((cue) => cue.split('\n')[2]), segments.map(([t]) => t));
    }));

test("whisperlive client: the streaming client's callbacks are told the words, and each sentence is committed once", { skip }, () =>
  withServer([...listener, ...set({ 'pool.en.max': 1 })], async (server) => {
    const said = await run(server, 'whisper_live_stream.py', speak(sentences[1]).samples);
    assertSaid(said.map((l) => l.committed).filter(Boolean), [sentences[1]]);
    assertSaid(said.at(-1), { transcript: sentences[1] });
  }));

// What the sample of its REST interface (client_openai.py) asks for, field by field.
test('whisperlive client: the REST sample is answered, though no pool is called like its model', () =>
  withServer(set({ 'pool.en.max': 1 }), async (server) => {
    for (const fields of [{ model: 'small', language: 'en', response_format: 'json' }, { model: 'small', language: 'en', response_format: 'verbose_json', hotwords: 'WhisperLive' }]) {
      const form = new FormData();
      form.append('file', new Blob([wav(speak(sentences[0]).samples)]), 'clip.wav');
      for (const [name, value] of Object.entries(fields)) form.append(name, value);
      const answer = await fetch(`http://${server.address}/v1/audio/transcriptions`, { method: 'POST', body: form, headers: { Authorization: 'Bearer none' } });
      assert.equal(answer.status, 200, await answer.clone().text());
      assertSaid((await answer.json()).text, sentences[0]);
    }
  }));
