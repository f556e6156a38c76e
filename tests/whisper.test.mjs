// Whisper's instances: no residue, whatever was heard before; no word lost, whatever dies and whenever; nothing done but hearing.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { Server, alive, ownStore } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { assertUndisturbed, gone, instanceOf, instanceWhere, losses, none, signal } from './lib/faults.mjs';
import { noWhisper } from './lib/models.mjs';
import { leftWell, terminate, toldToMove } from './lib/ops.mjs';
import { clipNames, heard, pairsInOneWalk } from './lib/residue.mjs';
import { babble, clip, join, noRealSpeech, sentences, silence, speak } from './lib/speech.mjs';
import { compute, long, stopWhere, ticks, whisper, withWhisper } from './lib/whisper.mjs';

const skip = noWhisper('tiny.en');
const manual = { endpointing: 'manual', partials: false };
const holds = (s) => async () => (await compute(s)).held === 1;

// Sounds of many lengths, so that windows of all sizes follow each other, with speech and with none.
function sounds() {
  const spoken = noRealSpeech
    ? [...sentences, 'what time is it'].map((w) => ({ name: w, rate: 16000, ...speak(w) }))
    : clipNames.slice(0, long ? 8 : 3).map(clip);
  const some = spoken[0].samples;
  const more = [
    { name: 'a word and a half', rate: 16000, samples: spoken[1].samples.subarray(0, 14000) },
    { name: 'a babble', rate: 16000, samples: babble(1300, 5) },
    { name: 'nearly a whole window', rate: 16000, samples: join(...Array.from({ length: 20 }, () => join(some, silence(400)))).subarray(0, 16000 * 28) },
  ];
  return [...spoken, ...more];
}

async function converse(s, some, fields = {}) {
  const finals = [];
  const c = await Client.start(s, { ...manual, ...fields });
  for (const [i, { samples }] of some.entries()) {
    c.audio(samples, { chunk: 32000 });
    c.send({ type: 'commit' });
    finals.push(await c.event('final', i));
  }
  await c.finish();
  return { finals, instances: new Set(finals.map((f) => f.instance)).size };
}

// All that was heard, by the utterance's own clock.
function relative({ text, confidence, language, words, start_ms, end_ms }) {
  return { text, confidence, language, ms: end_ms - start_ms, words: words.map((w) => ({ ...w, start_ms: w.start_ms - start_ms, end_ms: w.end_ms - start_ms })) };
}

describe('residue', { skip }, () => {
  // The smallest window the library takes: the shorter it is, the more of the last one's is left beside it.
  const settings = { 'pool.en.param.window_floor': 1, 'pool.en.spare': 0 };
  let known, fresh, walk;
  before(async () => {
    known = sounds().map((k) => ({ ...k, rate: 16000 }));
    walk = pairsInOneWalk(known.length);
    fresh = [];
    for (const k of known) await withWhisper(settings, async (s) => fresh.push(relative((await converse(s, [k])).finals[0])));
    assert.ok(fresh.filter((f) => f.words.length > 0).length >= known.length - 2, JSON.stringify(fresh.map((f) => f.text)));
  });

  const check = (finals) => finals.forEach((final, i) =>
    assert.deepEqual(relative(final), fresh[walk[i]], `"${known[walk[i]].name}" after ${i > 0 ? `"${known[walk[i - 1]].name}"` : 'nothing'}`));

  // What residue.test.mjs shows of this, too, when it is run with Whisper.
  test('refresh = utterance: the second of any two sounds is heard the same, whatever the first was', { skip: !long && 'only in the long form (STENOPOOL_TEST_LONG=1)' }, async () => {
    await withWhisper({ ...settings, 'pool.en.refresh': 'utterance' }, async (s) => {
      const { finals, instances } = await converse(s, walk.map((n) => known[n]));
      check(finals);
      assert.equal(instances, walk.length);
    });
  });

  test('refresh = session: so is it by an instance that heard all of them', async () => {
    await withWhisper({ ...settings, 'pool.en.refresh': 'session' }, async (s) => {
      const { finals, instances } = await converse(s, walk.map((n) => known[n]));
      check(finals);
      assert.equal(instances, 1);
    });
  });

  test('refresh = reset: so is it for clients that are heard by the same instance one after the other', async () => {
    await withWhisper({ ...settings, 'pool.en.refresh': 'reset' }, async (s) => {
      const finals = [];
      for (const n of walk) finals.push((await converse(s, [known[n]])).finals[0]);
      check(finals);
      assert.equal(new Set(finals.map((f) => f.instance)).size, 1);
    });
  });
});

// ---- instances that are killed ----

const spoken = () => speak(`${sentences[0]} and ${sentences[1]}`).samples;

describe('kill -9', { skip }, () => {
  const settings = { 'pool.en.spare': 1, 'server.partial_interval_ms': 300 };
  let expected, needed; // ticks of a final
  before(async () => {
    await withWhisper({ ...settings, 'pool.en.refresh': 'session' }, async (s) => {
      const c = await Client.start(s, manual);
      await c.event('ready');
      const { pid } = await instanceOf(s, c);
      c.audio(spoken());
      c.send({ type: 'commit' });
      await c.event('final');
      needed = ticks(pid);
      await c.finish();
      expected = heard(c);
      assert.ok(expected[0].words.length > 5);
    });
  });

  // What is done before the audio, behind it, and behind the commit.
  const states = {
    'while it waits': { silent: async () => {}, costs: { lost: 1 } },
    'while it hears': { open: (s) => s.untilMetric('pool_utterances_begun_total{pool="en"}', 1) },
    'amid a partial': { partials: true, open: (s, pid) => stopWhere(s, pid, holds(s), 'a partial is computed') },
    'amid the final': { ended: (s, pid) => stopWhere(s, pid, holds(s), 'the final is computed') },
    'late in the final': {
      ended: (s, pid) => stopWhere(s, pid, async () => ticks(pid) >= needed / 2 && (await holds(s)()), 'more than half of the final is computed'),
    },
  };
  for (const [name, state] of Object.entries(states)) {
    test(`${name}: the final is that of an undisturbed utterance`, async () => {
      await withWhisper(settings, async (s) => {
        const c = await Client.start(s, { ...manual, partials: state.partials ?? false });
        await c.event('ready');
        const i = await instanceOf(s, c);
        const kill = async (reached) => {
          if (!reached) return;
          await reached(s, i.pid);
          assert.equal(c.finals.length, 0);
          signal(i.pid, 'SIGKILL');
          await gone(s, i);
        };
        await kill(state.silent);
        c.audio(spoken());
        await c.event('speech_start');
        await kill(state.open);
        c.send({ type: 'commit' });
        await c.event('speech_end');
        await kill(state.ended);
        await c.finish();
        assertUndisturbed(c, expected);
        assert.deepEqual(c.all('recovered').map((e) => e.utterance), state.silent ? [] : [1]);
        assert.deepEqual(await losses(s), { ...none, ...(state.costs ?? { lost: 1, utterances: 1, recovered: 1 }) });
      });
    });
  }

  test('of the host while three clients are heard: each gets the text of an undisturbed utterance, and so does who comes then', async () => {
    await withWhisper({ ...settings, 'pool.en.max': 3, 'pool.en.backoff_min_ms': 1 }, async (s) => {
      const all = await Promise.all([1, 2, 3].map(() => Client.start(s, manual)));
      for (const c of all) await c.event('ready');
      for (const c of all) c.audio(spoken());
      await s.untilMetric('pool_utterances_begun_total{pool="en"}', 3);
      all[0].send({ type: 'commit' });
      await s.until(holds(s), 'a final is computed');
      const { host_pid: host } = await s.pool();
      signal(host, 'SIGKILL');
      await s.until(async () => ![0, host].includes((await s.pool()).host_pid), 'there is another host');
      for (const c of all) await c.finish();
      all.push(await dictate(s, spoken(), manual));
      const told = (finals) => finals.map(({ cause, ...f }) => f);
      for (const c of all) assert.deepEqual(told(heard(c)), told(expected));
      assert.deepEqual(await losses(s), none);
    });
  });
});

test('SIGTERM while one decodes and one waits for the slot: both get their finals, and are told to move', { skip }, async () => {
  const s = await Server.start(whisper({ 'pool.en.max': 2, 'server.compute_slots': 1 }), { env: ownStore });
  try {
    const expected = (await dictate(s, spoken(), manual)).text;
    const both = await Promise.all([1, 2].map(() => Client.start(s, manual)));
    for (const c of both) {
      await c.event('ready');
      c.audio(spoken());
      await c.event('speech_start');
    }
    for (const c of both) c.send({ type: 'commit' });
    await s.until(async () => (await compute(s)).waiting === 1, 'one decodes and one waits');
    terminate(s);
    await s.says(/draining: 2 sessions are open/);
    for (const c of both) await toldToMove(c);
    assert.deepEqual(both.map((c) => c.text), [expected, expected]);
    await leftWell(s);
  } catch (e) {
    s.abandon();
    e.message += `\n--- the server's log ---\n${s.log}`;
    throw e;
  }
  await s.stop({ sums: false });
});

// ---- confinement ----

const field = (pid, name) => fs.readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${name}:\\s+(.*)$`, 'm'))[1];

for (const threads of [1, 2]) {
  test(`an instance that decodes with threads = ${threads} has so many, a filter, and no files or sockets but its own`, { skip }, async () => {
    await withWhisper({ 'pool.en.param.threads': threads }, async (s) => {
      const c = await Client.start(s, manual);
      await c.event('ready');
      const { pid } = await instanceOf(s, c);
      c.audio(join(spoken(), silence(300), spoken()));
      assert.equal(field(pid, 'Threads'), '1');
      c.send({ type: 'commit' });
      const seen = new Set();
      let first = ['0'];
      await s.until(async () => {
        if (!alive(pid)) return true;
        if ((await compute(s)).held === 0) return c.finals.length > 0;
        try {
          seen.add(fs.readdirSync(`/proc/${pid}/task`).length);
          first = fs.readdirSync(`/proc/${pid}/fd`);
          for (const task of fs.readdirSync(`/proc/${pid}/task`)) assert.equal(field(`${pid}/task/${task}`, 'Seccomp'), '2');
          assert.deepEqual(first, ['0', '1', '2', '3', '4']);
        } catch (e) {
          if (e.code !== 'ENOENT' && e.code !== 'ESRCH') throw e; // it ended while we looked
        }
        return c.finals.length > 0;
      }, 'the final');
      await c.finish();
      assert.ok(c.finals[0].words.length > 10);
      assert.equal(Math.max(...seen), threads, [...seen].join());
      const m = await s.metrics();
      assert.deepEqual([m['pool_instances_violations_total{pool="en"}'], m['pool_instances_lost_total{pool="en"}']], [0, 0]);
    });
  });
}

// ---- slots ----

test('a final overtakes a partial of another session: that is broken off, and computed after it', { skip }, async () => {
  const settings = { 'pool.en.max': 2, 'server.compute_slots': 1, 'server.partial_interval_ms': 10000 };
  await withWhisper(settings, async (s) => {
    const slow = await Client.start(s, { endpointing: 'manual', partials: true });
    await slow.event('ready');
    const { pid } = await instanceOf(s, slow);
    const quick = await Client.start(s, manual);
    await quick.event('ready');
    quick.audio(speak('what time is it').samples);
    await s.untilMetric('pool_utterances_begun_total{pool="en"}', 1);
    slow.audio(join(...Array.from({ length: 5 }, spoken)).subarray(0, 16000 * 12), { chunk: 32000 });
    // Stopped amid its partial, it cannot be the first by being quick: it has to give the slot up when it is asked to.
    await stopWhere(s, pid, holds(s), 'a partial is computed');
    const stopped = ticks(pid);
    quick.send({ type: 'commit' });
    await s.until(async () => (await compute(s)).waiting === 1, 'the final waits for the slot');
    signal(pid, 'SIGCONT');
    await quick.event('final');
    assert.equal(slow.all('partial').length, 0);
    const overtaken = ticks(pid);
    await slow.event('partial');
    const whole = ticks(pid) - overtaken; // what all of it takes
    assert.ok(overtaken - stopped < whole / 3, `it was broken off after ${overtaken - stopped} of ${whole} ticks`);
    assert.equal((await s.metrics()).partials_total, 1);
    await quick.finish();
    await slow.finish();
    assert.equal(slow.finals.length, 1);
    assert.deepEqual(await losses(s), none);
  });
});

test('eight sessions on two slots are all heard as if alone, and never more than two decode', { skip }, async () => {
  await withWhisper({ 'pool.en.max': 8, 'server.compute_slots': 2 }, async (s) => {
    const two = [speak(sentences[0]).samples, speak(sentences[1]).samples];
    const told = (c) => heard(c).map(({ cause, ...f }) => f);
    const alone = [];
    for (const samples of two) alone.push(told(await dictate(s, samples, manual)));
    const all = await Promise.all(Array.from({ length: 8 }, () => Client.start(s, { endpointing: 'manual', partials: true })));
    for (const c of all) await c.event('ready');
    all.forEach((c, i) => c.audio(two[i % 2]));
    for (const c of all) c.send({ type: 'commit' });
    let most = 0;
    await s.until(async () => {
      most = Math.max(most, (await compute(s)).held);
      return all.every((c) => c.finals.length === 1);
    }, 'all have their finals');
    assert.equal(most, 2);
    for (const [i, c] of all.entries()) {
      await c.finish();
      assert.deepEqual(told(c), alone[i % 2]);
    }
    await instanceWhere(s, (i) => i.state === 'idle', 'idle');
    assert.deepEqual(await losses(s), none);
  });
});
