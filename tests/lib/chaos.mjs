// Chaos: many sessions, and while they speak, random signals to random processes. The same sessions are heard undisturbed
// first; every final has to be the same, word for word, with times and confidences.
//
// Who is hit twice by the same signal of its own doing is poison by design. So nobody who was hit is hit again before
// his next final, and an instance that waits for anybody is hit only while nobody is hit: it may be given to any of them.
//
// Other than by a `rate`, which kills from outside whoever it meets, again and again: 'steady' one at a time, 'memory' as the
// kernel does when it is short of it, the largest of all and half of them at once. An utterance that lost three instances is heard
// in parts, so it need not be the same; but it has to have its final, whole and with words in it.
//
// With several `pools`, the last of which brings the finals, all of this goes for each of them: one session may be hit in both at once.
import fs from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { Client } from './client.mjs';
import { heard } from './residue.mjs';
import { signal } from './faults.mjs';

export function randomFrom(seed) { // mulberry32
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
const pick = (random, list) => list[Math.floor(random() * list.length)];
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms)); // the pace of speech and of faults; waits for nothing

// A session that is under way, as far as its client can know.
class Speaker {
  constructor(client, script) {
    this.client = client;
    this.script = script;
    this.hitAfter = new Map(); // by pool: finals when it was hit there
  }
  get state() {
    const n = (type) => this.client.all(type).length;
    const finals = n('final');
    if (finals < n('speech_end')) return 'ended';
    return n('speech_start') > finals ? 'open' : 'silent';
  }
  // What speaks no more gives a silent instance back unused, to whoever comes next.
  get speaksOn() {
    return this.client.all('speech_start').length < this.script.sounds.length;
  }
  get done() {
    return new Set(this.client.finals.map((f) => f.utterance));
  }
  hit(pool) {
    return this.hitAfter.get(pool) === this.done.size || this.client.all('recovered').some((e) => !this.done.has(e.utterance));
  }
  noteHit(pool) {
    this.hitAfter.set(pool, this.done.size);
  }
}

// One session: pieces of 100 ms, sent at `pace` times the speed of speech; then all that came.
async function speak(server, script, chaos, random) {
  const { manual, sounds } = script;
  const c = await Client.start(server, { endpointing: manual ? 'manual' : 'vad' });
  let mine;
  try {
    const ready = await c.event('ready');
    chaos.speakers.set(ready.session, (mine = new Speaker(c, script)));
    for (const [i, sound] of sounds.entries()) {
      for (let at = 0; at < sound.length; at += 1600) {
        c.audio(sound.subarray(at, at + 1600), { chunk: 3200 });
        await pause(100 / chaos.pace);
      }
      if (!manual) continue;
      c.send({ type: 'commit' });
      await c.event('final', i);
      await pause(60 * random());
    }
    await c.finish();
  } finally {
    if (mine) chaos.speakers.delete(c.all('ready')[0].session);
  }
  return c;
}

// From the end of each utterance to its final, in ms.
function delays(c) {
  const ended = new Map();
  const found = new Map();
  c.events.forEach((e, i) => {
    if (e.type === 'speech_end') ended.set(e.utterance, c.times[i]);
    if (e.type === 'final') found.set(e.utterance, c.times[i] - ended.get(e.utterance));
  });
  return found;
}

export async function undisturbed(server, scripts, { clients, pace, random }) {
  const chaos = { pace, speakers: new Map() };
  const known = [];
  let next = 0;
  await Promise.all(Array.from({ length: clients }, async () => {
    while (next < scripts.length) {
      const at = next++;
      const c = await speak(server, scripts[at], chaos, random);
      known[at] = { finals: heard(c), delays: delays(c) };
    }
  }));
  return known;
}

export const emptyReport = () => ({
  dealt: new Map(), faults: 0, sessions: 0, dropped: 0, utterances: 0, words: 0, lost: 0, different: 0, doubled: 0, recovered: 0,
  poison: 0, errors: 0, quick: 0, incomplete: 0, parts: 0, extra: [], notes: [],
});

const PARTS_AFTER = 3; // as in src/session/parts.h
const words = (finals) => finals.flatMap((f) => f.words);

// Utterances that may have been heard in parts.
function parted(c) {
  const n = new Map();
  for (const { utterance } of c.all('recovered')) n.set(utterance, (n.get(utterance) ?? 0) + 1);
  return new Set([...n].filter(([, times]) => times >= PARTS_AFTER).map(([utterance]) => utterance));
}

// What the first pass told because the other one could not is right if it is what that one hears; what it has learnt of the speaker
// is another matter, so that how sure it is does not count; nor, from then on, how sure the other one is, which has not heard that utterance.
function takeQuick(finals, known, quick) {
  const same = (f, k) => isDeepStrictEqual([f.text, f.words.map(({ confidence, ...w }) => w)], [k.text, k.words.map(({ confidence, ...w }) => w)]);
  const first = finals.findIndex((f) => f.pass === 'partials');
  return finals.map((f, i) => {
    const at = (all) => all.finals.find((k) => k.utterance === f.utterance);
    const by = f.pass === 'partials' ? quick : known;
    return first >= 0 && i >= first && at(by) && same(f, at(by)) ? at(known) : f;
  });
}

function compare(report, c, known, rate, quick) {
  const parts = rate ? parted(c) : new Set();
  report.parts += parts.size;
  report.incomplete += c.finals.filter((f) => f.incomplete).length;
  // Those that may differ count as they were, unless nothing is there.
  report.quick += c.finals.filter((f) => f.pass === 'partials').length;
  const told = quick ? takeQuick(heard(c), known, quick) : heard(c);
  const finals = told.map((f) => (parts.has(f.utterance) && f.text !== '' ? known.finals.find((k) => k.utterance === f.utterance) ?? f : f));
  const expected = words(known.finals);
  const got = words(finals);
  report.sessions++;
  report.utterances += known.finals.length;
  report.words += expected.length;
  report.lost += expected.filter((w) => !got.some((g) => g.start_ms === w.start_ms && g.text === w.text)).length;
  report.doubled += finals.length - new Set(finals.map((f) => f.utterance)).size;
  if (!isDeepStrictEqual(finals, known.finals)) {
    report.different++;
    report.notes.push(`expected ${JSON.stringify(known.finals)}\ngot ${JSON.stringify(finals)}`);
  }
  for (const e of c.all('error')) {
    report.errors++;
    report.poison += / lost to this utterance/.test(e.message);
    report.notes.push(JSON.stringify(e));
  }
  const all = delays(c);
  for (const { utterance } of c.all('recovered')) {
    report.recovered++;
    report.extra.push(all.get(utterance) - known.delays.get(utterance));
  }
}

async function speakers(server, scripts, known, chaos, report) {
  while (!chaos.over) {
    const at = chaos.next++ % scripts.length;
    try {
      compare(report, await speak(server, scripts[at], chaos, chaos.random), known[at], chaos.rate, chaos.quick?.[at]);
    } catch (e) {
      report.sessions++;
      report.dropped++;
      report.lost += words(known[at].finals).length;
      report.notes.push(e.message);
      if (report.dropped > 10) chaos.over = true;
    }
  }
}

const SIGNALS = ['SIGKILL', 'SIGKILL', 'SIGKILL', 'SIGSEGV', 'SIGSEGV', 'SIGSTOP'];

function note(report, name, where) {
  const key = `${name}, ${where}`;
  report.dealt.set(key, (report.dealt.get(key) ?? 0) + 1);
  report.faults++;
}

// One that is stopped goes on standing there while others are hit, until the server finds it out.
async function hitHost(server, chaos, report, pool) {
  const name = pick(chaos.random, ['SIGKILL', 'SIGSTOP']);
  const { host_pid: pid, state } = await server.pool(pool);
  if (state !== 'ready' || pid === 0 || pid === chaos.stoppedHost || !signal(pid, name)) return;
  note(report, name, 'host');
  if (name === 'SIGSTOP') {
    chaos.stoppedHost = pid;
    return;
  }
  await server.until(async () => {
    const now = await server.pool(pool);
    return now.state === 'ready' && now.host_pid !== pid;
  }, 'there is another host');
}

// Those in a place, and those on their way out: the fault is theirs, or nobody's.
async function hitPlace(server, chaos, report, pool) {
  const name = pick(chaos.random, SIGNALS);
  const can = (await server.pool(pool)).instances.filter((i) => {
    const who = chaos.speakers.get(i.session);
    if (i.state === 'retiring') return i.pid > 0;
    return i.state === 'leased' && i.pid > 0 && who && !who.hit(pool) && (name !== 'SIGSTOP' || who.state !== 'silent' || who.speaksOn);
  });
  if (can.length === 0) return;
  const i = pick(chaos.random, can);
  const who = chaos.speakers.get(i.session);
  if (i.state === 'leased' && (!who || who.hit(pool))) return;
  if (!signal(i.pid, name)) return;
  note(report, name, who ? `leased, ${who.state}` : i.state);
  who?.noteHit(pool);
}

// Whoever gets this one is hit by it: nobody may be hit now, nor until it is known who that was.
async function hitIdle(server, chaos, report, pool) {
  await server.until(() => chaos.over || ![...chaos.speakers.values()].some((w) => w.hit(pool)), 'nobody is hit');
  const waiting = (await server.pool(pool)).instances.filter((i) => i.pid > 0 && ['idle', 'starting'].includes(i.state));
  if (waiting.length === 0) return;
  const i = pick(chaos.random, waiting);
  const name = pick(chaos.random, SIGNALS);
  if (!signal(i.pid, name)) return;
  note(report, name, i.state);
  await server.until(async () => !(await server.pool(pool)).instances.some((x) => x.id === i.id), `instance ${i.id} is gone`);
  if (chaos.pools.length > 1) { // what was lost of the one pass is over when the other one has brought its final
    for (const who of chaos.speakers.values()) who.noteHit(pool);
    return;
  }
  await server.until(async () => {
    const m = await server.metrics();
    return m.utterances_lost_total === m.utterances_recovered_total + m.utterances_poisonous_total + m.utterances_given_up_total;
  }, 'what was lost goes on');
}

const rssOf = (pid) => {
  try {
    return Number(fs.readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  } catch {
    return 0;
  }
};

const rates = {
  steady: (busy, random) => [pick(random, busy)],
  memory: (busy) => busy.map((i) => [rssOf(i.pid), i]).sort((a, b) => b[0] - a[0]).slice(0, Math.ceil(busy.length / 2)).map(([, i]) => i),
};

async function hitByRate(server, chaos, report, pool) {
  const busy = (await server.pool(pool)).instances.filter((i) => i.state === 'leased' && i.pid > 0);
  if (busy.length === 0) return;
  for (const i of rates[chaos.rate](busy, chaos.random)) {
    const who = chaos.speakers.get(i.session);
    if (signal(i.pid, 'SIGKILL')) note(report, `SIGKILL, ${chaos.rate}`, who ? `leased, ${who.state}` : i.state);
  }
}

async function deal(server, chaos, report, { kills, every_ms }) {
  const pool = () => (chaos.pools.length > 1 ? pick(chaos.random, chaos.pools) : chaos.pools[0]);
  while (chaos.rate && report.faults < kills && !chaos.over) {
    await pause(every_ms);
    await hitByRate(server, chaos, report, pool());
  }
  while (report.faults < kills && !chaos.over) {
    await pause(2 * every_ms * chaos.random());
    const dice = chaos.random();
    if (dice < 0.02) await hitHost(server, chaos, report, pool());
    else if (dice < 0.05) await hitIdle(server, chaos, report, pool());
    else await hitPlace(server, chaos, report, pool());
  }
}

// Deals `kills` faults while `clients` speak; every session that was begun is heard to its end.
export async function disturbed(server, scripts, known, { kills, clients, pace, random, every_ms, report, rate, pools = ['en'], quick }) {
  const chaos = { over: false, next: 0, random, pace, rate, pools, quick, speakers: new Map() };
  const all = Array.from({ length: clients }, () => speakers(server, scripts, known, chaos, report));
  const most = report.faults + kills;
  try {
    await deal(server, chaos, report, { kills: most, every_ms });
  } finally {
    chaos.over = true;
    await Promise.all(all);
  }
}
