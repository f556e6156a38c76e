// Phrases that are all that may be said: PocketSphinx hears them, and nothing else, in the words of its dictionary.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server, set, signal } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { clip } from './lib/speech.mjs';
import { said } from './lib/words.mjs';
import { Vosk, bytesOf, textOf } from './lib/protocols/vosk.mjs';
import { noWebSocket } from './lib/websocket.mjs';

const spoken = clip('goforward');
let server;

before(async () => {
  server = await Server.start(['--listen', 'vosk=127.0.0.1:0', ...set({ 'pool.en.engine': 'pocketsphinx', 'pool.en.max': 2 })]);
});
after(() => server.stop());

async function vosk(phrase_list) {
  const v = await Vosk.open(server, { config: { sample_rate: spoken.rate, ...(phrase_list && { phrase_list }) } });
  return v.dictate(bytesOf(spoken.samples));
}

test('vosk: of a phrase list what was said is heard, in results and partials', { skip: noWebSocket }, async () => {
  const answers = await vosk([spoken.words.toUpperCase(), 'open the door', '[unk]']);
  assert.equal(textOf(answers), spoken.words);
  const allowed = new Set(`${spoken.words} open the door`.split(' '));
  const partials = answers.map((a) => a.partial).filter(Boolean);
  assert.ok(partials.length > 0);
  for (const word of partials.join(' ').split(' ')) assert.ok(allowed.has(word), word);
  assert.deepEqual(answers.filter((a) => a.warning), []);
});

test('vosk: what was said is heard as one of the phrases, if it is none, and the next client hears all words', { skip: noWebSocket }, async () => {
  const heard = textOf(await vosk(['yes', 'no'])).split(' ');
  assert.ok(heard.every((word) => ['yes', 'no', ''].includes(word)), heard.join(' '));
  assert.equal(textOf(await vosk()), spoken.words);
});

test('two clients at once, one with a list: each is heard in its own way', { skip: noWebSocket }, async () => {
  const [bound, free] = await Promise.all([vosk(['yes', 'no']), vosk()]);
  assert.equal(textOf(free), spoken.words);
  assert.doesNotMatch(textOf(bound), new RegExp(spoken.words.split(' ')[0]));
});

test('native: a phrase with a word that is not in the dictionary is left out, and the log says so', async () => {
  const phrases = `${spoken.words}\nopen the xyzzy\nstop`;
  const c = await dictate(server, spoken.samples, { sample_rate: spoken.rate, phrases });
  assert.equal(said(c.text), said(spoken.words));
  assert.deepEqual(c.all('warning'), []);
  await server.says(/1 of the phrases cannot be heard: the dictionary has no "xyzzy"/);
});

test('native: where none of the phrases can be heard nothing is', async () => {
  const c = await dictate(server, spoken.samples, { sample_rate: spoken.rate, phrases: 'xyzzy' });
  assert.equal(c.text, '');
});

test('native: an utterance that is heard again is heard by the same phrases', async () => {
  const c = await Client.start(server, { endpointing: 'manual', sample_rate: spoken.rate, phrases: 'yes\nno' });
  c.audio(spoken.samples);
  await c.event('partial');
  signal((await server.pool()).instances.find((i) => i.state === 'leased').pid, 'SIGKILL');
  await c.event('recovered');
  await c.finish();
  assert.equal(c.all('recovered').length, 1);
  assert.match(said(c.text), /^((yes|no)( |$))*$/);
});
