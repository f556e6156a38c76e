// Every fault in every state an instance can be in costs time, and nothing else: each cell of the matrix is a session of
// three utterances whose finals must be those of a session that nothing happened to.
import test, { before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { withServer } from './lib/server.mjs';
import { fakes } from './lib/fakes.mjs';
import { Client } from './lib/client.mjs';
import { heard } from './lib/residue.mjs';
import { babble, fault, join, readWav, silence } from './lib/speech.mjs';
import { signal, instanceIn, instanceOf, instanceWhere, gone, losses, none, assertUndisturbed } from './lib/faults.mjs';

const PATIENCE_MS = 700; // where an instance has to be found stuck; elsewhere it must not be
const HIT = 2; // the utterance, of three, in which it happens
const plain = [babble(700, 1), babble(900, 2), babble(700, 3)];
const marked = (what, where, argument) => [plain[0], join(plain[1], fault(what, where, argument), babble(600, 4)), plain[2]];

const patient = { 'pool.en.begin_timeout_ms': 60000, 'pool.en.final_timeout_ms': 60000 };
const impatient = { 'pool.en.begin_timeout_ms': PATIENCE_MS, 'pool.en.final_timeout_ms': PATIENCE_MS, 'pool.en.slowest_factor': 1 };
let fake; // the engine whose cells these are; what comes of none of their faults is the same with all
const settings = (more) => fake({ 'pool.en.max': 2, 'pool.en.spare': 0, 'pool.en.warmup': '', ...patient, ...more });

let dir;
before(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-matrix-'));
  fs.chmodSync(dir, 0o777); // for hosts, which are not root's where the server is
});
after(() => fs.rmSync(dir, { recursive: true }));
const cellsOf = (what, one, body) => describe(`${what} (${one.engine})`, () => {
  before(() => (fake = one.fake));
  body(one);
});
let files = 0;
const unused = () => path.join(dir, `once-${++files}`);

// Three utterances; `on` is called where it has something to do.
async function dictate(s, sounds, on = {}) {
  await on.beforehand?.(s);
  const c = await Client.start(s, { endpointing: 'manual', partials: true });
  await c.event('ready');
  for (const [i, sound] of sounds.entries()) {
    const hit = i + 1 === HIT;
    if (hit) await on.silent?.(s, c);
    c.audio(sound);
    await c.event('speech_start', i);
    if (hit) await on.open?.(s, c);
    c.send({ type: 'commit' });
    await c.event('speech_end', i);
    if (hit) await on.ended?.(s, c);
    await c.event('final', i);
  }
  await c.finish();
  return c;
}

const known = new Map();
// By what was said, and by `refresh`: an instance that is used again knows more of the speaker.
async function undisturbed(sounds, refresh = 'utterance') {
  const name = refresh + sounds.map((x) => Buffer.from(x.buffer).toString('latin1')).join();
  if (!known.has(name)) {
    const done = unused();
    fs.writeFileSync(done, '\x01'); // so that the faults in the audio do not happen
    fs.chmodSync(done, 0o666);
    await withServer(settings({ 'pool.en.refresh': refresh, 'pool.en.param.once': done }), async (s) => {
      known.set(name, heard(await dictate(s, sounds)));
      assert.deepEqual(await losses(s), none);
    });
    assert.equal(known.get(name).length, 3);
  }
  return known.get(name);
}

async function check({ sounds = plain, with: more = {}, on, recovered = [], cost, log }) {
  const expected = await undisturbed(sounds, more['pool.en.refresh']);
  await withServer(settings(more), async (s) => {
    const c = await dictate(s, sounds, on);
    assertUndisturbed(c, expected);
    assert.deepEqual(c.all('recovered').map((e) => e.utterance), recovered);
    await s.checkSums();
    assert.deepEqual(await losses(s), { ...none, ...cost });
    if (log) await s.says(log);
  });
}

const begun = (s, n) => s.untilMetric('pool_utterances_begun_total{pool="en"}', n);
const oneUtterance = { utterances: 1, recovered: 1 };

// How an instance is brought into a state and held there, and at what moment of the session. A stopped process stays where
// it is for as long as we need; that makes short-lived states as easy to hit as long ones.
const states = {
  // Of a newborn this lasts microseconds; one that is told to reset itself is starting again.
  starting: {
    at: 'beforehand',
    with: { 'pool.en.refresh': 'reset', 'pool.en.max': 1, 'pool.en.min': 0 },
    async reach(s) {
      const c = await Client.start(s, { endpointing: 'manual' });
      await c.event('ready');
      c.audio(plain[0]);
      c.send({ type: 'commit' });
      await c.event('final');
      const i = await instanceOf(s, c);
      signal(i.pid, 'SIGSTOP');
      await c.finish();
      return instanceWhere(s, (x) => x.id === i.id && x.state === 'starting', 'starting');
    },
  },
  idle: { at: 'beforehand', reach: (s) => instanceIn(s, 'idle') },
  'leased, silent': { at: 'silent', reach: (s, c) => instanceOf(s, c) },
  'hearing an open utterance': {
    at: 'open',
    async reach(s, c) {
      await begun(s, HIT);
      return instanceOf(s, c);
    },
  },
  'ended, waiting for the final': {
    at: 'ended',
    async prepare(s, c) {
      await begun(s, HIT);
      signal((await instanceOf(s, c)).pid, 'SIGSTOP');
    },
    reach: (s, c) => instanceOf(s, c),
  },
  // That of another client, who left, while this one speaks.
  retiring: {
    at: 'open',
    async reach(s) {
      const other = await Client.start(s, { endpointing: 'manual' });
      await other.event('ready');
      other.audio(plain[0]);
      await begun(s, HIT + 1);
      const i = await instanceOf(s, other);
      signal(i.pid, 'SIGSTOP');
      other.vanish();
      return instanceWhere(s, (x) => x.id === i.id && x.state === 'retiring', 'retiring');
    },
  },
};

// What each signal costs in each state. A stopped instance is found out only when something is wanted of it.
const dies = { 'hearing an open utterance': true, 'ended, waiting for the final': true };
const signals = [];
for (const name of ['SIGKILL', 'SIGSEGV']) {
  for (const state of Object.keys(states)) {
    const inWork = dies[state];
    const cost = { lost: state === 'retiring' ? 0 : 1, ...(inWork && oneUtterance) };
    signals.push({ fault: name, state, cost, recovered: inWork ? [HIT] : [], waits: !inWork });
  }
}
signals.push(
  { fault: 'SIGSTOP', state: 'starting', with: { 'pool.en.start_timeout_ms': PATIENCE_MS }, cost: {}, waits: true, log: /not ready after start_timeout_ms/ },
  { fault: 'SIGSTOP', state: 'idle', with: impatient, cost: { stuck: 1, ...oneUtterance }, recovered: [1] },
  { fault: 'SIGSTOP', state: 'leased, silent', with: impatient, cost: { stuck: 1, ...oneUtterance }, recovered: [HIT] },
  { fault: 'SIGSTOP', state: 'hearing an open utterance', with: impatient, cost: { stuck: 1, ...oneUtterance }, recovered: [HIT] },
  { fault: 'SIGSTOP', state: 'ended, waiting for the final', with: { 'pool.en.final_timeout_ms': PATIENCE_MS, 'pool.en.slowest_factor': 1 }, cost: { stuck: 1, ...oneUtterance }, recovered: [HIT] },
  { fault: 'SIGSTOP', state: 'retiring', cost: {} },
);

function cell(row, lease) {
  const state = states[row.state];
  const deal = async (s, c) => {
    const i = await state.reach(s, c);
    signal(i.pid, row.fault);
    if (row.waits) await gone(s, i);
  };
  const on = { [state.at]: deal };
  if (state.prepare) on.open = state.prepare;
  return { ...row, with: { ...state.with, ...row.with, 'pool.en.lease': lease }, on };
}

// Signals come from outside: how places are lent is looked at with one engine.
for (const [lease, one] of [['session', fakes[0]], ['utterance', fakes[0]], ['session', fakes[1]]]) {
  cellsOf(`signals, lease = ${lease}`, one, () => {
    for (const row of signals) {
      // With a lease for each utterance no instance is leased to one who is silent, nor reset for a session's end.
      if (lease === 'utterance' && ['starting', 'leased, silent'].includes(row.state)) continue;
      test(`${row.fault}, ${row.state}`, () => check(cell(row, lease)));
    }
  });
}

// What an engine does to itself it can do only while it runs, so these faults have no cells in which it waits: starting,
// idle, leased and silent. The first moment it runs is the BEGIN of an utterance.
const bySelf = { slow: 'hang', garbage: 'garbage', leak: 'leak' };
const costs = { slow: { stuck: 1, ...oneUtterance }, garbage: { lost: 1, ...oneUtterance }, leak: { oversized: 1, ...oneUtterance } };
const means = { slow: impatient, garbage: {}, leak: { 'pool.en.max_rss_mb': 200 } };
const LEAK_MB = 300;
// The utterance is ended when the fault has happened, not before.
const happened = (once) => (s) => s.until(() => fs.readFileSync(once)[0] === 1, 'the fault has happened');

for (const one of fakes) cellsOf('faults of the engine', one, ({ engine }) => {
  for (const what of Object.keys(bySelf)) {
    test(`${what}, at the beginning of an utterance`, () => {
      const parameter = { [`pool.en.param.${bySelf[what]}`]: what === 'leak' ? LEAK_MB : 'begin', 'pool.en.param.once': unused() };
      return check({ with: { ...means[what], ...parameter }, recovered: [1], cost: costs[what] });
    });
    const amidDecode = engine === 'fake_whole' ? [['decode', 'amid a decode']] : []; // fake has none
    for (const [where, state] of [['audio', 'hearing an open utterance'], ['partial', 'asked for a partial text'], ...amidDecode, ['end', 'ended, waiting for the final']]) {
      // Memory that grows with the last block is told with the final, which counts; the instance goes anyway.
      const late = what === 'leak' && where === 'end';
      test(`${what}, ${state}`, () => {
        const once = unused();
        return check({
          sounds: marked(bySelf[what], where, LEAK_MB),
          with: { ...means[what], 'pool.en.param.once': once },
          on: where === 'end' ? {} : { open: happened(once) },
          recovered: late ? [] : [HIT],
          cost: late ? {} : costs[what],
        });
      });
    }
  }

  // In the last utterance: an instance that is used again knows more of the speaker than the one that follows it.
  test('leak, ended, in an instance that would be used again: it is replaced', () => check({
    sounds: [plain[0], plain[2], marked('leak', 'end', LEAK_MB)[1]],
    with: { ...means.leak, 'pool.en.refresh': 'reset', 'pool.en.param.once': unused() },
    cost: { worn: 1 },
  }));

  test('slow, retiring: the client of an instance that hangs leaves, and it ends by itself', () => check({
    cost: {},
    on: {
      async open(s) {
        const other = await Client.start(s, { endpointing: 'manual' });
        await other.event('ready');
        other.audio(join(plain[0], fault('hang'), plain[0]));
        await begun(s, HIT + 1);
        const i = await instanceOf(s, other);
        other.vanish();
        await gone(s, i);
      },
    },
  }));
});

cellsOf('hosts', fakes[0], () => {
  test('SIGKILL, while instances that were asked for are not born: the next host bears them', () => check({
    with: { 'pool.en.min': 0, 'pool.en.backoff_min_ms': 1 },
    on: {
      async silent(s, c) {
        const { pid } = await instanceOf(s, c);
        const { host_pid: host } = await s.pool();
        signal(host, 'SIGSTOP');
        signal(pid, 'SIGKILL');
        await s.until(async () => (await s.pool()).instances.some((i) => i.state === 'starting' && i.pid === 0), 'a newborn is asked for');
        signal(host, 'SIGKILL');
      },
    },
    cost: { lost: 1 },
  }));

  test('SIGKILL, while an utterance is heard: its instance goes on', () => check({
    with: { 'pool.en.backoff_min_ms': 1 },
    cost: {},
    on: {
      async open(s) {
        await begun(s, HIT);
        const { host_pid: host } = await s.pool();
        signal(host, 'SIGKILL');
        await s.until(async () => ![0, host].includes((await s.pool()).host_pid), 'there is another host');
      },
    },
  }));
});

for (const one of fakes) cellsOf('poison: an utterance that instances die of', one, () => {
  for (const [what, message, more] of [
    ['crash', /^2 instances were lost to this utterance, the last because: instance en\/\d+ was killed by signal 11 \(Segmentation fault\)$/, {}],
    ['garbage', /^2 instances were lost .* spoke garbage: /, {}],
    ['hang', /^2 instances were lost .* made no progress within begin_timeout_ms /, impatient],
    ['leak', /^2 instances were lost .* uses \d+ MB \(max_rss_mb 200\)$/, means.leak],
    ['exit', /^2 instances were lost .* ended with status \d+$/, {}],
    ['fail', /^2 instances were lost .* failed as it was asked to$/, {}],
  ]) {
    test(`${what} twice ends it with one error and keeps its audio, and the session goes on`, async () => {
      const kept = fs.mkdtempSync(path.join(dir, 'poison-'));
      const expected = await undisturbed([plain[0], silence(700), plain[2]]);
      // So rarely that nothing of it is stable, which would be told as an incomplete final.
      await withServer(settings({ ...more, 'server.poison_dir': kept, 'server.partial_interval_ms': 10000 }), async (s) => {
        const sounds = marked(what, 'audio', LEAK_MB);
        const c = await Client.start(s, { endpointing: 'manual' });
        for (const [i, sound] of sounds.entries()) {
          c.audio(sound);
          await c.event('speech_start', i);
          if (i === 1) await c.event('error');
          c.send({ type: 'commit' });
          if (i !== 1) await c.event('final', i === 0 ? 0 : 1);
        }
        await c.finish();
        const errors = c.all('error');
        assert.deepEqual(errors.map((e) => e.utterance), [2]);
        assert.match(errors[0].message, message);
        assert.deepEqual(c.all('recovered').map((e) => e.utterance), [2]);
        assert.deepEqual(c.finals.map((f) => [f.utterance, f.text]), expected.filter((f) => f.utterance !== 2).map((f) => [f.utterance, f.text]));
        const { utterances, recovered, failed, poisonous } = await losses(s);
        assert.deepEqual({ utterances, recovered, failed, poisonous }, { utterances: 2, recovered: 1, failed: 1, poisonous: 1 });
        await s.says(/kept \S+\.wav/);
        const [file, ...more] = fs.readdirSync(kept);
        assert.deepEqual(more, []);
        const { samples, rate } = readWav(path.join(kept, file));
        assert.equal(rate, 16000);
        assert.deepEqual(Buffer.from(samples.buffer), Buffer.from(sounds[1].buffer).subarray(0, samples.byteLength));
        assert.ok(samples.length >= plain[1].length);
      });
    });
  }
});
