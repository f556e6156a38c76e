// Early finals: in a pause the final is begun, and told to who asks for it; when the turn ends it is there, with the text that it has
// without all that.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { alive, fake, ownStore, set, withServer } from './lib/server.mjs';
import { Client } from './lib/client.mjs';
import { onFakes } from './lib/fakes.mjs';
import { gone, instanceOf, signal } from './lib/faults.mjs';
import { noWhisper } from './lib/models.mjs';
import { babble, clip, join, noRealSpeech, sentences, silence, speak } from './lib/speech.mjs';

const said = babble(900);
const more = babble(900, 5);
const pause = silence(400); // longer than early_final_ms, shorter than post_silence_ms
const rest = silence(600);

const eager = (s, fields = {}) => Client.start(s, { eager_finals: true, ...fields });
const metric = async (s, name) => (await s.metrics())[`eager_${name}`];

async function speakAndPause(c, n, sound = said) {
  c.audio(join(sound, pause));
  return c.event('eager_final', n);
}

// Those of a process that live.
const children = (parent) => fs.readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).map(Number).filter((pid) => {
  try {
    const [state, ppid] = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return Number(ppid) === parent && state !== 'Z';
  } catch {
    return false; // it ended while we looked
  }
});

// What the protocol promises, of all that came.
function assertRules(c) {
  const open = new Map(); // by utterance: what was told and not taken back
  for (const e of c.events) {
    if (e.type === 'eager_final') {
      assert.notEqual(e.text, '');
      assert.equal(open.has(e.utterance), false, 'one at a time');
      open.set(e.utterance, e.text);
    } else if (e.type === 'resumed') {
      assert.equal(open.delete(e.utterance), true, 'only what was told is taken back');
    } else if (e.type === 'final' && open.has(e.utterance)) {
      assert.equal(e.text, open.get(e.utterance));
      open.delete(e.utterance);
    }
  }
}

onFakes('a pause tells the final, and the end of the turn confirms it', async (fake) => {
  await withServer(fake(), async (s) => {
    const c = await eager(s);
    const told = await speakAndPause(c, 0);
    c.audio(rest);
    const final = await c.event('final');
    assert.equal(final.text, told.text);
    assert.deepEqual(final.words, told.words);
    assert.equal(final.confidence, told.confidence);
    assert.equal(final.cause, 'silence');
    assert.ok(told.end_ms < final.end_ms);
    assert.deepEqual([await metric(s, 'finals_total'), await metric(s, 'finals_taken_back_total')], [1, 0]);
    await c.finish();
    assertRules(c);
  });
});

onFakes('speech that goes on takes it back, and the final has all of it', async (fake) => {
  await withServer(fake(), async (s) => {
    const c = await eager(s);
    const first = await speakAndPause(c, 0);
    const second = await speakAndPause(c, 1, more);
    assert.equal(c.all('resumed').length, 1);
    assert.notEqual(first.text, second.text);
    c.audio(rest);
    assert.equal((await c.event('final')).text, second.text);
    assert.deepEqual([await metric(s, 'finals_total'), await metric(s, 'finals_taken_back_total')], [2, 1]);
    await c.finish();
    assertRules(c);
  });
});

onFakes('who does not ask is told nothing of it, and gets the same finals with and without', async (fake) => {
  const finals = {};
  for (const early of ['yes', 'no'])
    await withServer(fake({ 'pool.en.early_finals': early }), async (s) => {
      const c = await Client.start(s);
      for (let n = 0; n < 3; n++) {
        c.audio(join(babble(700, n + 1), pause));
        if (early === 'yes') await s.untilMetric('eager_finals_total', 2 * n + 1);
        c.audio(join(babble(500, n + 7), pause));
        if (early === 'yes') await s.untilMetric('eager_finals_total', 2 * n + 2);
        c.audio(rest);
        await c.event('final', n);
      }
      await c.finish();
      assert.deepEqual(c.all('eager_final').concat(c.all('resumed')), []);
      assert.equal(await metric(s, 'finals_total'), early === 'yes' ? 6 : 0);
      finals[early] = c.finals.map(({ instance, ...f }) => f);
    });
  assert.deepEqual(finals.yes, finals.no);
});

onFakes('a commit in a pause is answered with it at once', async (fake) => {
  await withServer(fake(), async (s) => {
    const c = await eager(s);
    const told = await speakAndPause(c, 0);
    c.send({ type: 'commit' });
    const final = await c.event('final');
    assert.equal(final.text, told.text);
    assert.equal(final.cause, 'commit');
    await c.finish();
    assertRules(c);
  });
});

onFakes('once it is told its instance may die: the final is known', async (fake) => {
  await withServer(fake(), async (s) => {
    const c = await eager(s);
    const told = await speakAndPause(c, 0);
    const instance = await instanceOf(s, c);
    signal(instance.pid, 'SIGKILL');
    await gone(s, instance);
    c.audio(rest);
    assert.equal((await c.event('final')).text, told.text);
    assert.equal(c.all('recovered').length, 0);
    await speakAndPause(c, 1); // and the session goes on
    await c.finish();
    assertRules(c);
  });
});

onFakes('an instance that dies in a pause after which speech goes on loses nothing', async (fake) => {
  let alone;
  await withServer(fake(), async (s) => {
    const c = await Client.start(s);
    c.audio(join(said, pause, more, rest));
    alone = (await c.event('final')).text;
    await c.finish();
  });
  await withServer(fake(), async (s) => {
    const c = await eager(s);
    await speakAndPause(c, 0);
    const instance = await instanceOf(s, c);
    signal(instance.pid, 'SIGKILL');
    await gone(s, instance);
    c.audio(join(more, rest));
    assert.equal((await c.event('final')).text, alone);
    assert.equal(c.all('resumed').length, 1);
    await c.finish();
    assertRules(c);
  });
});

// The end takes longer than anybody waits: whoever pauses leaves one behind, which must be gone when speech goes on, and when
// its instance goes.
test('a copy that is not wanted any more is ended', async () => {
  await withServer(fake({ 'pool.en.engine': 'fake', 'pool.en.param.end_ms': 600000, 'pool.en.warmup': '' }), async (s) => {
    const copies = async () => {
      const { pid } = await instanceOf(s, c);
      return children(pid);
    };
    const c = await eager(s);
    await c.event('ready');
    c.audio(join(said, pause));
    await s.until(async () => (await copies()).length === 1, 'there is a copy');
    const [first] = await copies();
    c.audio(more);
    await s.until(async () => !(await copies()).includes(first), 'it is gone');
    c.audio(pause);
    await s.until(async () => (await copies()).length === 1, 'there is another one');
    const [second] = await copies();
    c.vanish();
    await s.until(() => !alive(second), 'that one is gone with its instance');
  });
});

test('copies end with an instance that is killed', async () => {
  await withServer(fake({ 'pool.en.engine': 'fake', 'pool.en.param.end_ms': 600000, 'pool.en.warmup': '' }), async (s) => {
    const c = await eager(s);
    await c.event('ready');
    c.audio(join(said, pause));
    let copy;
    await s.until(async () => ([copy] = children((await instanceOf(s, c)).pid)) && copy, 'there is a copy');
    signal((await instanceOf(s, c)).pid, 'SIGKILL');
    await s.until(() => !alive(copy), 'it is gone');
    c.vanish();
  });
});

// Of the utterance that is open.
const isTold = (c) => c.all('eager_final').at(-1)?.utterance > c.finals.length && c.events.findLast((e) => /^(eager_final|resumed)$/.test(e.type)).type === 'eager_final';

// Texts, words and times, with real ears.
const ears = [
  { engine: 'pocketsphinx', settings: {}, none: false },
  { engine: 'whisper', settings: { 'pool.en.model': 'tiny.en' }, none: noWhisper('tiny.en') },
];
const spoken = () => [...sentences.map(speak), ...(noRealSpeech ? [] : ['goforward', 'austen-0870'].map(clip))];

for (const { engine, settings, none } of ears)
  test(`${engine} hears the same with early finals and without`, { skip: none }, async () => {
    const finals = {};
    for (const early of ['yes', 'no'])
      await withServer(set({ 'pool.en.engine': engine, 'pool.en.early_finals': early, 'vad.vad': 'statistical', ...settings }), async (s) => {
        const c = await eager(s, { partials: false });
        for (const { samples } of spoken()) {
          const n = c.finals.length;
          c.audio(join(samples, pause));
          // A clip may bring silence of its own.
          if (early === 'yes') await c.until(() => isTold(c) || c.finals.length > n, 'an eager final');
          c.audio(join(rest, rest));
          await c.event('final', n);
        }
        await c.finish();
        assertRules(c);
        finals[early] = c.finals.map(({ instance, ...f }) => f);
        if (early === 'yes') assert.ok(c.all('eager_final').length >= sentences.length);
      }, { env: ownStore });
    assert.deepEqual(finals.yes, finals.no);
  });
