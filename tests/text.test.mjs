// How texts are told where the engine writes words only: as sentences, or as words, as each protocol's clients expect them.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { root, withServer, set } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { wav } from './lib/audio.mjs';
import { reload, Settings } from './lib/ops.mjs';
import { babble } from './lib/speech.mjs';
import { Listener, raw } from './lib/protocols/deepgram.mjs';
import { post } from './lib/protocols/openai_rest.mjs';
import { noWebSocket } from './lib/websocket.mjs';

const best = (m) => m.channel.alternatives[0];
const clip = { samples: babble(1600), rate: 16000 };
const words = { 'vad.vad': 'statistical', 'pool.en.engine': 'fake', 'pool.en.max': 4, 'pool.en.param.raw_text': 'yes' };
const WORDS = /^[a-z]+( [a-z]+)+$/, SENTENCES = /^([A-Z][a-z]*( [a-z]+)*\.( |$))+$/;

const dir = path.join(root, 'tests/lib/protocols');
const all = new Map();
for (const file of fs.readdirSync(dir).sort()) all.set(file.replace('.mjs', ''), await import(path.join(dir, file)));
const listeners = () => [...new Set([...all.values()].flatMap((p) => p.listen).filter(Boolean))].flatMap((name) => ['--listen', `${name}=127.0.0.1:0`]);

// Whose clients expect words; Deepgram's as long as they ask for nothing else.
const asWords = ['deepgram', 'deepgram_prerecorded', 'sherpa', 'vosk'];

test('each protocol has words or sentences, and words where the pool is set so', { skip: noWebSocket }, async () => {
  await withServer([...listeners(), ...set(words)], async (server) => {
    for (const [name, protocol] of all) {
      const heard = await protocol.transcribe(server, clip);
      // What this one's transcribe gives has its capital taken away, as that server always makes one.
      const told = name === 'realtimestt' ? heard[0].toUpperCase() + heard.slice(1) : heard;
      assert.match(told, asWords.includes(name) ? WORDS : SENTENCES, name);
    }
  });
  await withServer([...listeners(), ...set({ ...words, 'pool.en.tidy_text': 'no' })], async (server) => {
    for (const [name, protocol] of all)
      assert.match(await protocol.transcribe(server, clip), WORDS, name);
  });
});

test('an engine that punctuates is told as it writes', () =>
  withServer(set({ ...words, 'pool.en.param.raw_text': 'no' }), async (server) => {
    assert.match((await dictate(server, clip.samples, { endpointing: 'manual' })).text, WORDS);
  }));

test('native: partials grow to their final, what is stable stands, and words are spelled as in the text', () =>
  withServer(set(words), async (server) => {
    const c = await Client.start(server, { endpointing: 'manual' });
    for (let i = 0; i < 4; i++) {
      c.audio(babble(400, i + 1));
      await c.event('partial', i);
    }
    await c.finish();
    const final = c.finals[0];
    let stable = '';
    for (const p of c.all('partial')) {
      assert.match(p.text, /^[A-Z][a-z]*( [a-z]+)*$/);
      const now = Buffer.from(p.text).subarray(0, p.stable).toString();
      assert.ok(now.startsWith(stable) && final.text.startsWith(now), `${stable} | ${now} | ${final.text}`);
      stable = now;
    }
    assert.match(final.text, SENTENCES);
    assert.equal(final.words.map((w) => w.text).join(' '), final.text);
  }));

test('native: each of it can be wished away, and with all of it the words are left', () =>
  withServer(set(words), async (server) => {
    const say = async (fields) => (await dictate(server, clip.samples, { endpointing: 'manual', ...fields })).text;
    assert.match(await say({ full_stop: false }), /^[A-Z][a-z]*( [a-z]+)+$/);
    assert.match(await say({ uppercase: false }), /^[a-z]+( [a-z]+)+\.$/);
    assert.match(await say({ uppercase: false, full_stop: false, clean_spaces: false }), WORDS);
    const c = await Client.start(server, { clean_repeats: 'yes' });
    await c.end();
    assert.match(c.all('error')[0].message, /clean_repeats must be true or false, not/);
  }));

test('native: what goes round in a circle is told a few times, where that is asked for', () =>
  withServer(set(words), async (server) => {
    const once = babble(200), circle = new Int16Array(once.length * 9);
    for (let i = 0; i < 9; i++) circle.set(once, i * once.length);
    const say = async (fields) => (await dictate(server, circle, { endpointing: 'manual', ...fields })).text.split(' ');
    assert.equal((await say({})).length, 9);
    assert.equal((await say({ clean_repeats: true })).length, 6);
  }));

test('deepgram: who asks for punctuation gets a sentence, whose words are given with and without', { skip: noWebSocket }, () =>
  withServer(set(words), async (server) => {
    for (const ask of ['punctuate', 'smart_format']) {
      const l = await Listener.open(server, { model: 'nova-3', ...raw, [ask]: 'true' });
      l.audio(clip.samples);
      await l.finish();
      const { transcript, words: each } = best(l.finals.find((m) => best(m).transcript));
      assert.match(transcript, SENTENCES, ask);
      assert.equal(each.map((w) => w.punctuated_word).join(' '), transcript);
      assert.equal(each.map((w) => w.word).join(' '), transcript.toLowerCase().replace('.', ''));
    }
  }));

test('openai-rest: segments and subtitles are cut out of the sentence', () =>
  withServer(set(words), async (server) => {
    const verbose = await (await post(server, { model: 'whisper-1', response_format: 'verbose_json', 'timestamp_granularities[]': 'word' }, wav(clip.samples))).json();
    assert.match(verbose.text, SENTENCES);
    assert.equal(verbose.words.map((w) => w.word).join(' '), verbose.text);
    const srt = await (await post(server, { model: 'whisper-1', response_format: 'srt' }, wav(clip.samples))).text();
    assert.ok(srt.includes(`\n${verbose.text}\n`), srt);
  }));

test('tidy_text may change while the server runs', async () => {
  const pool = { engine: 'fake', max: 2, 'param.raw_text': 'yes' }, manual = { endpointing: 'manual' };
  const settings = new Settings({ 'pool.en': pool });
  try {
    await withServer(['-c', settings.file], async (server) => {
      assert.match((await dictate(server, clip.samples, manual)).text, SENTENCES);
      settings.write({ 'pool.en': { ...pool, tidy_text: 'no' } });
      await reload(server);
      assert.match((await dictate(server, clip.samples, manual)).text, WORDS);
    });
  } finally {
    settings.remove();
  }
});
