// What holds of all protocols together: they hear the same, at once, and docs/protocols.md says what is.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { root, withServer, set } from './lib/server.mjs';
import { dictate } from './lib/client.mjs';
import { encode, resample } from './lib/audio.mjs';
import { clip, sentences, speak } from './lib/speech.mjs';
import { assertSaid } from './lib/words.mjs';
import { noWebSocket } from './lib/websocket.mjs';

const dir = path.join(root, 'tests/lib/protocols');
const names = fs.readdirSync(dir).map((file) => file.replace('.mjs', '')).sort();
const all = new Map();
for (const name of names) all.set(name, await import(path.join(dir, `${name}.mjs`)));

const listeners = () => [...new Set([...all.values()].flatMap((p) => p.listen).filter(Boolean))].flatMap((name) => ['--listen', `${name}=127.0.0.1:0`]);
const withAll = (places, body) => withServer([...listeners(), ...set({ 'pool.en.max': places, 'server.max_sessions': 100 })], body);

// A telephone's audio is another than that of the clip: the native protocol is told the same bytes.
async function expected(server, name, what) {
  if (name !== 'twilio') return what.words;
  const bytes = encode(resample(what.samples, 16000, 8000), 'mulaw');
  return (await dictate(server, bytes, { sample_rate: 8000, encoding: 'mulaw' })).text;
}

test('the same clip gives the same text through every protocol', { skip: noWebSocket }, () =>
  withAll(2, async (server) => {
    const heard = {};
    for (const [name, protocol] of all) heard[name] = [await protocol.transcribe(server, clip('goforward')), await expected(server, name, clip('goforward'))];
    for (const [name, [text, words]] of Object.entries(heard)) assertSaid(text, words, name);
    assert.equal(Object.keys(heard).length, names.length);
  }));

test('clients of every protocol at once share the places of one pool, and each gets its own words', { skip: noWebSocket }, () =>
  withAll(3, async (server) => {
    const clips = sentences.map(speak);
    const heard = await Promise.all([...all].map(async ([name, protocol], i) => {
      if (name === 'twilio' || name === 'whisperlive') return null; // one has another band, one is told to WAIT and goes
      return [name, await protocol.transcribe(server, clips[i % 2]), clips[i % 2].words];
    }));
    for (const [name, text, words] of heard.filter(Boolean)) assertSaid(text, words, name);
  }));

// ---- docs/protocols.md ----

const properties = ['partials', 'finals', 'word times', 'speech events', 'commit', 'errors', 'queue', 'auth', 'sample rates', 'end'];

// { protocol: { property: ["file.test.mjs: name", ...] or "none: why" } } from the lists under the table.
function read() {
  const text = fs.readFileSync(path.join(root, 'docs/protocols.md'), 'utf8');
  const sections = new Map();
  for (const section of text.split(/^### /m).slice(1)) {
    const rows = new Map();
    for (const [, property, rest] of section.matchAll(/^- ([a-z ]+): (.*(?:\n {2}.*)*)/gm)) rows.set(property, rest.replace(/\n\s*/g, ' '));
    sections.set(section.split('\n')[0].trim(), rows);
  }
  const table = text.split('\n').filter((l) => l.startsWith('| ') && !l.startsWith('| protocol') && !l.startsWith('| ---'));
  return { sections, table };
}

test('each cell of the table in docs/protocols.md has a test that is there, or says why there is none', () => {
  const { sections, table } = read();
  const rows = new Map(table.map((l) => l.split('|').slice(1, -1).map((c) => c.trim())).map(([name, ...cells]) => [name.replace(/\[([^\]]*)\].*/, '$1'), cells]));
  assert.deepEqual([...rows.keys()], [...sections.keys()], 'a section for each row');
  assert.equal(rows.size, names.length, `a row for each of ${names}`);
  const tests = new Map(fs.readdirSync(path.join(root, 'tests')).filter((f) => f.endsWith('.mjs')).map((f) => [f, fs.readFileSync(path.join(root, 'tests', f), 'utf8')]));
  for (const [protocol, cells] of rows) {
    assert.equal(cells.length, properties.length, protocol);
    properties.forEach((property, i) => {
      const said = sections.get(protocol).get(property);
      assert.ok(said, `${protocol}: ${property} is not in the list`);
      if (cells[i] === '–') return assert.match(said, /^none: /, `${protocol}: ${property}`);
      const named = [...said.matchAll(/`([\w.]+\.mjs)`: "([^"]*)"/g)];
      assert.ok(named.length > 0, `${protocol}: ${property} names no test`);
      for (const [, file, name] of named) assert.ok(tests.get(file)?.includes(name.replace(/^openai-realtime /, '')), `${protocol}: ${property}: ${file} has no test "${name}"`);
    });
  }
});
