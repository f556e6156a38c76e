// Deepgram's own SDK for Python, three of its makes, unmodified (pinned by tests/clients/deepgram-sdk*.txt).
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fake, withServer } from './lib/server.mjs';
import { wav } from './lib/audio.mjs';
import { babble, join, silence } from './lib/speech.mjs';
import { clientPython, runClient } from './lib/clients.mjs';
import { post } from './lib/protocols/deepgram_prerecorded.mjs';
import { Listener, noClient, raw } from './lib/protocols/deepgram.mjs';

const speech = join(babble(2500), silence(1500), babble(1500, 2), silence(1000));
const best = (m) => m.channel.alternatives[0];

async function run(python, server, program, samples, options) {
  const file = path.join(server.dir, 'clip.wav');
  fs.writeFileSync(file, wav(samples));
  const { code, out, err } = await runClient(python, program, [server.address, file, JSON.stringify(options)]);
  assert.equal(code, 0, `${out}${err}`);
  return out.split('\n').filter((l) => l.startsWith('{')).map((l) => JSON.parse(l));
}

for (const name of ['deepgram-sdk-3', 'deepgram-sdk-5', 'deepgram-sdk']) {
  const { python, skip } = clientPython(name);

  test(`${name} (Python) prerecorded: a file has its words, utterances and paragraphs, and what was not done is told`, { skip }, () =>
    withServer(fake(), async (server) => {
      const options = { model: 'nova-3', smart_format: true, utterances: true, paragraphs: true, diarize: true };
      const [body] = await run(python, server, 'deepgram_file.py', speech, options);
      const own = await (await post(server, { ...options }, wav(speech))).json();
      const [said, want] = [body, own].map((b) => b.results.channels[0].alternatives[0]);
      assert.equal(said.transcript, want.transcript);
      assert.deepEqual(said.words, want.words);
      assert.deepEqual(said.paragraphs, want.paragraphs);
      assert.deepEqual(body.results.utterances.map((u) => u.transcript), own.results.utterances.map((u) => u.transcript));
      assert.deepEqual(body.metadata.warnings.map((w) => w.parameter).sort(), ['diarize', 'smart_format']);
    }));

  test(`${name} (Python) live: results, SpeechStarted, UtteranceEnd and Metadata reach its handlers`, { skip: skip || noClient }, () =>
    withServer(fake(), async (server) => {
      const configures = name === 'deepgram-sdk';
      const told = await run(python, server, 'deepgram_live.py', speech, {
        model: 'nova-3', interim_results: 'true', vad_events: 'true', utterance_end_ms: '1000', endpointing: '400', punctuate: 'true',
        ...(configures ? { configure: { keyterms: ['steno'] } } : {}),
      });
      const l = await Listener.open(server, { ...raw, endpointing: 400 });
      l.audio(speech);
      await l.finish();
      const finals = told.filter((m) => m.type === 'Results' && m.is_final);
      assert.equal(finals.map((m) => best(m).transcript).filter(Boolean).join(' '), l.text());
      assert.equal(finals.filter((m) => m.speech_final).length, 2);
      assert.ok(best(finals[0]).words.every((w) => w.punctuated_word.toLowerCase().startsWith(w.word) && w.end > w.start));
      for (const type of ['SpeechStarted', 'UtteranceEnd', 'Metadata']) assert.ok(told.some((m) => m.type === type), `${type}: ${JSON.stringify(told)}`);
      assert.deepEqual(told.filter((m) => m.error), []);
      assert.deepEqual(told.filter((m) => m.type === 'ConfigureFailure').map((m) => m.code), configures ? ['CONFIGURE_KEYTERMS_NOT_SUPPORTED'] : []);
    }));
}
