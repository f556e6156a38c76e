// Early finals: what is waited for a final when its turn has ended, and what it costs, with them and without, side by side in one run;
// and that its text is the same.
'use strict';

const fs = require('fs');
const { table } = require('../server/figures.js');
const { Server } = require('../server/processes.js');
const { connect, library, sayLive } = require('../server/talks.js');
const clipsOf = require('../whisper/clips.js');
const { modelFile, Skipped } = require('../whisper/peers.js');

const SPEAKERS = (process.env.BENCH_EARLY_SPEAKERS || '1,2,4,8').split(',').map(Number);
const ENGINES = new RegExp(process.env.BENCH_EARLY_ENGINES || '', 'i');
const EACH = 4; // utterances of each speaker
const SAME = Number(process.env.BENCH_EARLY_SAME || 500); // utterances with each engine
const SAME_AT_ONCE = 4;
const TURN_MS = 1500; // of silence behind each utterance
const SETTLE_MS = 500;
const ASKED_MS = 330; // of silence, after which there is an eager final whatever the engine
const SEED = 4711;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
const silence = (ms) => new Int16Array(16 * ms);

function join(...parts) {
  const all = new Int16Array(parts.reduce((n, p) => n + p.length, 0));
  parts.reduce((to, p) => (all.set(p, to), to + p.length), 0);
  return all;
}

function engines() {
  const places = { 'pool.en.max': Math.max(...SPEAKERS), 'pool.en.spare': 2, 'pool.en.canary_interval_ms': 0 };
  const list = { PocketSphinx: { 'pool.en.engine': 'pocketsphinx', ...places } };
  try {
    list['Whisper tiny.en q8_0'] = { 'pool.en.engine': 'whisper', 'pool.en.param.model': modelFile('q8_0'), ...places };
  } catch (e) {
    if (!(e instanceof Skipped)) throw e;
    console.log(`No Whisper: ${e.message}\n`);
  }
  return Object.fromEntries(Object.entries(list).filter(([name]) => ENGINES.test(name)));
}

// One with early finals and one without, of one engine.
async function pair(settings) {
  const start = (early) => Server.start({ ...settings, 'pool.en.early_finals': early });
  return { with: await start('yes'), without: await start('no') };
}

const metric = (page, name) => Number(new RegExp(`^stenopool_${name} (\\S+)$`, 'm').exec(page)[1]);

// ---- the wait ----

// A speaker at the pace of speech. ms from being told that speech has ended to being told the final.
async function speaker(server, said, delayMs) {
  const c = await connect(server, { endpointing: 'vad', partials: false });
  await sleep(delayMs);
  for (const clip of said) await sayLive(c, join(clip.samples, silence(TURN_MS)));
  await c.finish();
  const timeOf = (type, utterance) => c.times[c.events.findIndex((e) => e.type === type && e.utterance === utterance)];
  return c.finals.map((f) => ({ ms: timeOf('final', f.utterance) - timeOf('speech_end', f.utterance), text: f.text }));
}

async function measured(server, clips, n) {
  const cpu = server.cpu();
  const before = await server.metrics();
  const all = await Promise.all(Array.from({ length: n }, (_, i) =>
    speaker(server, Array.from({ length: EACH }, (_, k) => clips[(i + k) % clips.length]), 700 * i)));
  await sleep(SETTLE_MS); // an instance's time counts once its host has reaped it
  const after = await server.metrics();
  const more = (name) => metric(after, name) - metric(before, name);
  return { answers: all.flat(), cpu: server.cpu() - cpu, begun: more('eager_finals_total'), back: more('eager_finals_taken_back_total') };
}

function rowOf(n, engine, how, m) {
  const waits = m.answers.map((a) => a.ms).sort((x, y) => x - y);
  m.p50 = at(waits, 0.5);
  m.p95 = at(waits, 0.95);
  return [n, engine, how, waits.length, m.p50.toFixed(0), m.p95.toFixed(0), m.begun, m.back, (m.cpu / waits.length).toFixed(2)];
}

function noteRow(note, n, engine, m) {
  const share = m.with.p50 / m.without.p50;
  note(`wait for the final at ${n} speaker${n > 1 ? 's' : ''}, p50, ${engine}, with early finals / without`,
    `${m.with.p50.toFixed(0)} / ${m.without.p50.toFixed(0)} ms = ${share.toFixed(2)}`, n === 1 ? '< 0.33' : '-', n === 1 ? share < 1 / 3 : null);
  const same = m.with.answers.map((a) => a.text).sort().join('\n') === m.without.answers.map((a) => a.text).sort().join('\n');
  note(`texts meanwhile, ${m.with.answers.length} utterances`, same ? 'the same' : 'DIFFER', 'the same', same);
}

async function early(note) {
  const clips = await clipsOf.six();
  const rows = [['speakers', 'engine', 'early finals', 'utterances', 'p50 ms', 'p95 ms', 'begun in pauses', 'taken back', 'CPU s each']];
  for (const [engine, settings] of Object.entries(engines())) {
    const servers = await pair(settings);
    for (const n of SPEAKERS) {
      const m = {};
      for (const how of ['without', 'with']) m[how] = await measured(servers[how], clips, n);
      for (const how of ['without', 'with']) rows.push(rowOf(n, engine, how, m[how]));
      noteRow(note, n, engine, m);
    }
    for (const s of Object.values(servers)) await s.stop();
  }
  console.log('From the end of a turn (600 ms of silence, of which the client is told) to its final; clips of 3 to 11 s at the pace of speech,');
  console.log(`each followed by ${TURN_MS} ms of silence, so that what is said when is the same for both. CPU: of server, host and instances, per utterance.\n`);
  console.log(table(rows));
}

// ---- the same text ----

const WHO = ['the captain', 'my sister', 'nobody', 'the old teacher', 'a stranger', 'the driver', 'our neighbour', 'the doctor'];
const DOES = ['opened', 'carried', 'remembered', 'painted', 'forgot', 'bought', 'repaired', 'described'];
const WHAT = ['the blue door', 'seven letters', 'a small garden', 'the last train', 'an empty house', 'the winter coat', 'two bottles of water', 'the answer'];
const WHEN = ['this morning', 'before the storm', 'last summer', 'after dinner', 'in the evening', 'without a word', 'near the river', 'twice'];

// Numbers below `n`, the same in every run (Park and Miller 1988).
function randomFrom(seed) {
  let x = seed;
  return (n) => (x = (x * 48271) % 2147483647) % n;
}

// Two halves with a pause between them in which it may have ended, or is too short for that.
async function utterances(n) {
  const { speak } = await library('speech.mjs');
  const random = randomFrom(SEED);
  const one = (list) => list[random(list.length)];
  return Array.from({ length: n }, () => [speak(`${one(WHO)} ${one(DOES)}`).samples, silence(100 + random(300)),
    speak(`${one(WHAT)} ${one(WHEN)}`).samples, silence(400)]);
}

// Of the utterance that is open, an eager final stands.
function isTold(c) {
  const last = c.events.findLast((e) => e.type === 'eager_final' || e.type === 'resumed');
  return last?.type === 'eager_final' && !c.finals.some((f) => f.utterance === last.utterance);
}

// What a machine says begins and ends with silence of its own, so any pause may be an end.
async function dictate(server, said, early) {
  const c = await connect(server, { endpointing: 'vad', partials: false, eager_finals: early });
  for (const [first, gap, second, pause] of said) {
    const before = c.finals.length;
    const told = () => c.until(() => isTold(c) || c.finals.length > before, 'an eager final or the final');
    c.audio(join(first, gap));
    if (early && gap.length >= silence(ASKED_MS).length) await told();
    c.audio(join(second, pause));
    if (early) await told();
    c.audio(silence(800));
    await c.until(() => c.finals.length > before && c.finals.length === c.all('speech_start').length, 'the finals');
  }
  await c.finish();
  return c.finals.map(({ instance, ...f }) => f);
}

async function both(settings, said) {
  const servers = await pair(settings);
  const share = (i) => said.filter((_, k) => k % SAME_AT_ONCE === i);
  const run = async (server, early) =>
    (await Promise.all(Array.from({ length: SAME_AT_ONCE }, (_, i) => dictate(server, share(i), early)))).flat();
  const [yes, no] = [await run(servers.with, true), await run(servers.without, false)];
  const page = await servers.with.metrics();
  for (const s of Object.values(servers)) await s.stop();
  return { yes, no, begun: metric(page, 'eager_finals_total'), back: metric(page, 'eager_finals_taken_back_total') };
}

async function same(note) {
  const said = await utterances(SAME);
  const rows = [['engine', 'utterances', 'finals', 'begun in pauses', 'taken back', 'that differ']];
  for (const [engine, settings] of Object.entries(engines())) {
    const { yes, no, begun, back } = await both(settings, said);
    const differ = yes.filter((f, i) => JSON.stringify(f) !== JSON.stringify(no[i])).length + Math.abs(yes.length - no.length);
    rows.push([engine, SAME, yes.length, begun, back, differ]);
    note(`finals with early finals and without, ${engine}`, `${differ} of ${yes.length} differ`, '0', differ === 0);
  }
  console.log('Sentences spoken by a machine, each in two halves with a pause of 100 to 400 ms between; texts, words, times and confidences.\n');
  console.log(table(rows));
}

module.exports = (note) => ({ early: () => early(note), 'early-same': () => same(note) });
