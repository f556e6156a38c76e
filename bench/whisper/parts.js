// Whisper beside others that have the same weights, each part side by side in one run: what counts are the ratios.
'use strict';

const fs = require('fs');
const { median, table } = require('../server/figures.js');
const { Asked, BenchError, CORES, Server, childrenOf, familyOf, pssOf } = require('../server/processes.js');
const { connect, status } = require('../server/talks.js');
const clipsOf = require('./clips.js');
const { Judge, MODELS, PEER_THREADS, PeerServer, Skipped, modelFile, peerDirect, peers } = require('./peers.js');
const speakers = require('./speakers.js');

const PEER = 'faster-whisper int8';
const CPU_ROUNDS = 3;
const POOL_ROUNDS = 5;
const INSTANCES = 8;
const IDLE_MS = 10000;
const TICK_MS = 10;
const SETTLE_MS = 500;
const EACH = { 1: 3, 2: 3, 4: 4, 8: 4 }; // speakers: utterances of each in a round
const WAIT_ROUNDS = Number(process.env.BENCH_WAIT_ROUNDS || 1);
const WAIT_SPEAKERS = (process.env.BENCH_WAIT_SPEAKERS || '1,2,4,8').split(',').map(Number);
const WAIT_WHO = (process.env.BENCH_WAIT || 'q8_0,f16,peer').split(',');

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
const seconds = (s) => s.toFixed(2);

// No canary: one that decodes while others are measured would be in their figures.
function whisper(kind, more = {}) {
  return { 'pool.en.engine': 'whisper', 'pool.en.param.model': modelFile(kind), 'pool.en.canary_interval_ms': 0, ...more };
}

let told = false;
function havePeers() {
  try {
    return Boolean(peers());
  } catch (e) {
    if (!(e instanceof Skipped)) throw e;
    if (!told) console.log(`No peer: ${e.message}\n`);
    told = true;
    return false;
  }
}

// ---- CPU: one thread, an utterance ----

function decoders(files) {
  const ours = (kind, ...more) => () => new Asked('bench/server/engine_direct',
    [1, 'fresh', ...files, '--', 'whisper', `model=${modelFile(kind)}`, ...more]);
  return {
    'f16, short window': ours('f16'), 'f16, full window': ours('f16', 'short_window=no'),
    'q8_0, short window': ours('q8_0'), 'q8_0, full window': ours('q8_0', 'short_window=no'),
    ...(havePeers() ? { [PEER]: () => peerDirect(files) } : {}),
  };
}

// Two at a time: time is not measured here.
async function hearAll(who) {
  const heard = {};
  const names = Object.keys(who);
  const work = async () => {
    for (let name = names.shift(); name !== undefined; name = names.shift()) {
      const d = who[name]();
      heard[name] = (await d.answer()).texts;
      await d.stop();
    }
  };
  await Promise.all(Array.from({ length: CORES }, work));
  return heard;
}

async function wordsWrong(clips) {
  const judge = new Judge();
  const heard = await hearAll(decoders(clips.map((c) => c.file)));
  const wrong = {};
  for (const [name, texts] of Object.entries(heard)) wrong[name] = await judge.words(clips.map((c) => [c.words, texts[c.name]]));
  await judge.stop();
  return { wrong, by: judge.by };
}

// They take turns, and the order goes round, so that what the machine does meanwhile meets all.
async function cpuSeconds(clips) {
  const running = Object.entries(decoders(clips.map((c) => c.file))).map(([name, begin]) => [name, begin(), clips.map(() => [])]);
  for (const [, d] of running) await d.answer();
  for (let round = 0; round < CPU_ROUNDS; round++) {
    for (const [, d, took] of [...running.slice(round), ...running.slice(0, round)]) {
      const { cpu } = await d.ask();
      clips.forEach((c, i) => took[i].push(cpu[c.name]));
    }
  }
  for (const [, d] of running) await d.stop();
  return Object.fromEntries(running.map(([name, , took]) => [name, took.map(median)]));
}

async function cpu(note) {
  const [three, all] = [(await clipsOf.six()).slice(0, 3), await clipsOf.all()];
  const took = await cpuSeconds(three);
  const { wrong, by } = await wordsWrong(all);
  const peer = took[PEER];
  const rows = [['', ...three.map((c) => `${c.seconds.toFixed(1)} s`), ...three.map((c) => `/ peer, ${c.seconds.toFixed(0)} s`), 'words wrong']];
  for (const [name, s] of Object.entries(took))
    rows.push([name, ...s.map(seconds), ...s.map((v, i) => (peer ? (v / peer[i]).toFixed(2) : '-')),
      `${wrong[name].wrong} of ${wrong[name].said} = ${wrong[name].percent.toFixed(1)} %`]);
  console.log(`CPU seconds of one thread for an utterance, median of ${CPU_ROUNDS} rounds in which all take turns. The same weights. Words wrong: over`);
  console.log(`${all.length} recordings of speech and a room, counted by ${by}.\n`);
  console.log(table(rows));
  for (const name of Object.keys(took).filter((n) => n !== PEER)) {
    const ratios = peer ? took[name].map((v, i) => v / peer[i]) : [];
    const fewer = peer && wrong[name].wrong <= wrong[PEER].wrong;
    note(`CPU of an utterance of 3, 6, 11 s, Whisper ${name} / faster-whisper`, peer ? ratios.map((r) => r.toFixed(2)).join(', ') : 'skipped',
      '< 1', peer ? ratios.every((r) => r < 1) : null);
    note(`words wrong, Whisper ${name} / faster-whisper`, peer ? `${wrong[name].wrong} / ${wrong[PEER].wrong} of ${wrong[name].said}`
      : 'skipped', '<= 1', peer ? fewer : null);
  }
}

// ---- the wait from the end of speech to the text ----

const contenders = {
  q8_0: { name: 'Stenopool, q8_0', protocol: 'wyoming', weights: 'q8_0' },
  f16: { name: 'Stenopool, f16', protocol: 'wyoming', weights: 'f16' },
  'q8_0-native': { name: 'Stenopool, q8_0, native protocol', protocol: 'native', weights: 'q8_0' },
  'f16-native': { name: 'Stenopool, f16, native protocol', protocol: 'native', weights: 'f16' },
  peer: { name: 'wyoming-faster-whisper', protocol: 'wyoming', start: () => PeerServer.start(), foreign: true },
};

// "NAME" or "NAME+SETTING=VALUE+...": to find out what a setting is worth.
function contender(spec) {
  const [name, ...settings] = spec.split('+');
  if (!(name in contenders)) throw new BenchError(`there is no server "${name}"; there are ${Object.keys(contenders).join(', ')}`);
  const more = Object.fromEntries(settings.map((s) => [s.slice(0, s.indexOf('=')), s.slice(s.indexOf('=') + 1)]));
  const who = contenders[name];
  return { start: () => startOurs(who.weights, more), ...who, name: [who.name, ...settings].join(', ') };
}

// An utterance may begin before the one before has its text, so there is a place for each of two.
function startOurs(weights, more) {
  return Server.start(whisper(weights, { 'pool.en.max': 2 * Math.max(...WAIT_SPEAKERS), ...more }), -1, ['wyoming']);
}

async function measured(who, server, planned) {
  const before = server.cpu();
  const answers = await speakers.speak(speakers[who.protocol], server, planned);
  await sleep(SETTLE_MS); // an instance's time counts once its host has reaped it
  return { answers, cpu: server.cpu() - before };
}

// All servers run all the time, and one is spoken to. { "who n": [answers, cpu] }
async function measureAll(running, clips) {
  const got = new Map();
  for (let round = 0; round < WAIT_ROUNDS; round++) {
    for (const n of WAIT_SPEAKERS) {
      const planned = speakers.plan(n, clips, EACH[n] ?? 4, round);
      for (const { who, server } of running) {
        const key = `${n} ${who.name}`;
        const was = got.get(key) ?? { answers: [], cpu: 0 };
        const is = await measured(who, server, planned);
        got.set(key, { answers: [...was.answers, ...is.answers], cpu: was.cpu + is.cpu });
      }
    }
  }
  return got;
}

async function waitRow(n, name, { answers, cpu: used }, judge) {
  const came = answers.filter((a) => a.heard !== null);
  const waits = came.map((a) => a.wait).sort((x, y) => x - y);
  const words = await judge.words(answers.map((a) => [a.clip.words, a.heard ?? '']));
  const figures = { p50: at(waits, 0.5), p95: at(waits, 0.95), max: waits.at(-1), lost: answers.length - came.length, percent: words.percent };
  figures.row = [n, name, answers.length, ...[figures.p50, figures.p95, figures.max].map(seconds), `${words.percent.toFixed(1)} %`, figures.lost,
    seconds(used / answers.length), Math.max(...answers.map((a) => a.late)).toFixed(0)];
  return figures;
}

function noteWait(note, n, ours, peer) {
  const share = ours.p95 / peer.p95;
  const best = n >= 8 ? 0.6 : 1;
  note(`wait for the text at ${n} speaker${n > 1 ? 's' : ''}, p95, ${ours.who} / wyoming-faster-whisper`,
    `${seconds(ours.p95)} / ${seconds(peer.p95)} s = ${share.toFixed(2)}`, n >= 8 ? '<= 0.6' : '< 1', n >= 8 ? share <= best : share < best);
}

async function wait(note) {
  const clips = await clipsOf.six();
  const who = WAIT_WHO.map(contender);
  const withPeer = !who.some((w) => w.foreign) || havePeers();
  const running = [];
  for (const w of who.filter((x) => withPeer || !x.foreign)) running.push({ who: w, server: await w.start() });
  for (const { who: w, server } of running) await speakers.speak(speakers[w.protocol], server, [[{ clip: clips[0], at: 0 }]]);
  const got = await measureAll(running, clips);
  for (const { server } of running) await server.stop();
  const judge = new Judge();
  const rows = [['speakers', 'server', 'utterances', 'p50 s', 'p95 s', 'max s', 'words wrong', 'lost', 'CPU s each', 'late ms']];
  const all = [];
  for (const n of WAIT_SPEAKERS) {
    for (const { who: w } of running) {
      const figures = await waitRow(n, w.name, got.get(`${n} ${w.name}`), judge);
      all.push({ ...figures, n, who: w.name, foreign: Boolean(w.foreign) });
      rows.push(figures.row);
    }
  }
  await judge.stop();
  console.log('From the end of speech (audio-stop, or a commit) to the text. Clips of 3 to 11 s at the pace of speech, each speaker with pauses of his own; what');
  console.log('is said when is the same for all servers, and so are the bytes where Wyoming is spoken. The same weights; the peer: int8, beam 1,');
  console.log(`${PEER_THREADS} threads. Words wrong counted by ${judge.by}. "late": how late the speakers were at worst.\n`);
  console.log(table(rows));
  for (const a of all.filter((x) => !x.foreign)) {
    const peer = all.find((x) => x.foreign && x.n === a.n);
    if (peer) noteWait(note, a.n, a, peer);
  }
  const ours = all.filter((a) => !a.foreign);
  const lost = ours.reduce((sum, a) => sum + a.lost, 0);
  note('utterances lost by Stenopool while they waited', lost, '0', lost === 0);
  if (!withPeer) note('wait for the text beside wyoming-faster-whisper', 'skipped', '< 1', null);
  for (const name of new Set(ours.map((a) => a.who))) noteWords(note, name, all);
}

function noteWords(note, name, all) {
  const mean = (list) => list.reduce((sum, a) => sum + a.percent, 0) / list.length;
  const theirs = all.filter((a) => a.foreign);
  if (theirs.length === 0) return;
  const [ours, peer] = [mean(all.filter((a) => a.who === name)), mean(theirs)];
  note(`words wrong meanwhile, ${name} / wyoming-faster-whisper`, `${ours.toFixed(1)} % / ${peer.toFixed(1)} %`, '<= 1', ours <= peer);
}

// ---- memory: instances against processes that load the model ----

async function instancesMemory(kind, clip) {
  const server = await Server.start(whisper(kind, { 'pool.en.max': INSTANCES, 'pool.en.refresh': 'session', 'pool.en.spare': 0, 'pool.en.min': 0 }));
  const clients = [];
  for (let i = 0; i < INSTANCES; i++) clients.push(await connect(server, { partials: false }));
  await Promise.all(clients.map(async (c) => {
    c.audio(clip.samples);
    c.send({ type: 'commit' });
    await c.event('final');
  }));
  const pids = (await status(server)).pools[0].instances.filter((i) => i.uses > 0 && i.pid > 0).map((i) => i.pid);
  const figures = { n: pids.length, instances: pssOf(pids), all: pssOf(familyOf(server.pid)), server: pssOf([server.pid]) };
  for (const c of clients) c.vanish();
  await server.stop();
  return figures;
}

async function processesMemory(kind, clip) {
  const direct = new Asked('bench/server/engine_direct', [INSTANCES, 'fresh', clip.file, '--', 'whisper', `model=${modelFile(kind)}`]);
  await direct.answer();
  const mb = pssOf(childrenOf(direct.child.pid));
  await direct.stop();
  return mb;
}

async function memory(note) {
  const clip = (await clipsOf.six())[1];
  const rows = [['weights', 'instances', 'they alone MB', 'with host and server MB', 'the server MB', `${INSTANCES} processes MB`, 'ratio']];
  for (const kind of Object.keys(MODELS)) {
    const pool = await instancesMemory(kind, clip);
    const processes = await processesMemory(kind, clip);
    rows.push([MODELS[kind], pool.n, ...[pool.instances, pool.all, pool.server, processes].map((mb) => mb.toFixed(0)), (pool.all / processes).toFixed(2)]);
    note(`memory of ${pool.n} instances of ${MODELS[kind]}, host and server included / ${INSTANCES} processes`,
      `${pool.all.toFixed(0)} / ${processes.toFixed(0)} MB = ${(pool.all / processes).toFixed(2)}`, '< 1', pool.n === INSTANCES && pool.all < processes);
  }
  console.log(`Proportional set sizes when each of ${INSTANCES} has decoded ${clip.seconds.toFixed(0)} s of speech: of a pool, and of as many processes that each loaded the model.\n`);
  console.log(table(rows));
}

// ---- idle: what a loaded model costs while nobody speaks ----

// The scheduler's own count: clock ticks go to whoever runs when one comes.
function ranMs(pids) {
  const ns = (pid) => Number(fs.readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]);
  return pids.reduce((sum, pid) => sum + ns(pid), 0) / 1e6;
}

async function idle(note) {
  const server = await Server.start(whisper('f16', { 'pool.en.max': INSTANCES }));
  const clip = (await clipsOf.six())[0];
  const c = await connect(server, { partials: false });
  c.audio(clip.samples);
  c.send({ type: 'commit' });
  await c.event('final');
  await c.finish();
  await sleep(2000);
  const pids = familyOf(server.pid);
  const before = ranMs(pids);
  await sleep(IDLE_MS);
  const still = familyOf(server.pid).join() === pids.join();
  const ms = ranMs(pids) - before;
  await server.stop();
  console.log(`${pids.length} processes (server, host, instances) for ${IDLE_MS / 1000} s behind an utterance, no canary: ${ms.toFixed(1)} ms of CPU by the scheduler's ` +
    `count${still ? '' : '; PROCESSES CAME OR WENT'}.`);
  note(`CPU of an idle server with Whisper loaded, in ${IDLE_MS / 1000} s`, `${ms.toFixed(1)} ms`, '< 10 ms, a clock tick', ms < TICK_MS);
}

// ---- pool: full, against the library alone ----

async function pool(note, poolAndBare) {
  const model = modelFile('f16');
  const files = (await clipsOf.six()).map((c) => c.file);
  const { speed, cpu: more } = await poolAndBare(files, CORES,
    { direct: ['--', 'whisper', `model=${model}`], settings: whisper('f16'), rounds: POOL_ROUNDS });
  note('throughput of a full pool of Whisper / the library alone', speed.toFixed(3), '>= 0.95', speed >= 0.95);
  note('CPU for the same audio, a full pool of Whisper / the library alone', more.toFixed(3), '-', null);
}

const parts = {
  'whisper-cpu': ['CPU of an utterance with Whisper', cpu],
  'whisper-wait': ['wait for the text with Whisper', wait],
  'whisper-memory': ["memory of Whisper's instances", memory],
  'whisper-pool': ['throughput of a full pool of Whisper', pool],
  'whisper-idle': ['CPU of an idle server with Whisper loaded', idle],
};

// A part that lacks what it needs says so.
function orSkip(figure, part, note, poolAndBare) {
  return async () => {
    try {
      await part(note, poolAndBare);
    } catch (e) {
      if (!(e instanceof Skipped)) throw e;
      console.log(`skipped: ${e.message}`);
      note(figure, 'skipped', '-', null);
    }
  };
}

module.exports = (note, poolAndBare) =>
  Object.fromEntries(Object.entries(parts).map(([name, [figure, part]]) => [name, orSkip(figure, part, note, poolAndBare)]));
