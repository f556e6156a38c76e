// Eight clients: with a pool of two instances of RealtimeSTT, with one recorder that all share, with one that goes from one to the next: what
// each of them gets, and whose words are in it. Exit code 0: in the pool nobody got a word of anybody else, and everybody got their own.
// usage: run.mjs FOLDER, which is what tools/install-realtimestt has made
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

// Nobody knows how much else this machine has to do.
process.env.STENOPOOL_TEST_DEADLINE_MS ??= '1200000';
const { Server, root, set } = await import('../../tests/lib/server.mjs');
const { Client } = await import('../../tests/lib/client.mjs');
const { clip, noRealSpeech, speak } = await import('../../tests/lib/speech.mjs');
const { edits, said, wordsIn } = await import('../../tests/lib/words.mjs');

const APART_MS = Number(process.env.APART_MS ?? 3000); // between the beginnings of two clients
const PACKET_MS = 100;
const COMPUTE = 'int8';
const RECORDED = ['jfk', 'goforward', 'austen-0870', 'austen-0880', 'austen-0890', 'lj001-0002', 'lj001-0004', 'lj001-0006'];
const SPOKEN = ['she looked at the house and then along the empty road', 'we will meet again tomorrow when the rain is over',
  'my brother bought a yellow bicycle in the market', 'every winter the river freezes below the bridge',
  'please call the doctor before seven this evening', 'our teacher explained the history of printing',
  'nobody remembers where the captain left his boat', 'a hungry fox was waiting behind the garden wall'];

const folder = process.argv[2];
const clips = noRealSpeech ? SPOKEN.map((words, i) => ({ ...speak(words), name: `flite-${i + 1}` })) : RECORDED.map(clip);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const print = (line = '') => process.stdout.write(`${line}\n`);
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

// ---- whose words are in a text ----

const pairs = (text) => {
  const words = said(text).split(' ');
  return words.slice(1).map((w, i) => `${words[i]} ${w}`);
};
const longWords = (text) => said(text).split(' ').filter((w) => w.length > 4);
// Two words in a row, and long words, of which another one's sentence has some and the client's own has none.
function foreign(own, text) {
  const strange = (parts) => {
    const mine = new Set(parts(own.words));
    const theirs = new Set(clips.filter((c) => c !== own).flatMap((c) => parts(c.words)));
    return parts(text).filter((part) => theirs.has(part) && !mine.has(part));
  };
  return [...new Set([...strange(longWords), ...strange(pairs)])];
}

const few = (list) => (list.length === 0 ? 'none' : [...list.slice(0, 6), ...(list.length > 6 ? [`${list.length - 6} more`] : [])].join(', '));

function report(title, texts, some) {
  let foreigners = 0;
  let wrong = 0;
  const got = some.map((own) => (texts.get(own.name) ?? []).join(' | '));
  const allSame = new Set(got).size === 1;
  print(`\n${title}`);
  if (allSame) print(`  got, each of them: ${got[0] || '(nothing)'}`);
  for (const [i, own] of some.entries()) {
    const text = got[i];
    const others = foreign(own, text);
    const missed = edits(own.words, text.replaceAll(' | ', ' '));
    foreigners += others.length > 0 ? 1 : 0;
    wrong += missed;
    print(`  ${own.name}`);
    print(`    said:  ${own.words}`);
    if (!allSame) print(`    got:   ${text || '(nothing)'}`);
    print(`    words wrong: ${missed} of ${wordsIn(own.words)}; of others: ${few(others)}`);
  }
  const total = some.reduce((n, c) => n + wordsIn(c.words), 0);
  print(`  in all: ${wrong} of ${total} words wrong; clients with words of others: ${foreigners} of ${some.length}`);
  return { foreigners, wrong, total };
}

// ---- the pool ----

async function dictate(server, own, n) {
  await pause(APART_MS * n);
  const c = await Client.start(server, { sample_rate: own.rate, partials: true });
  const step = (own.rate * PACKET_MS) / 1000;
  const start = performance.now();
  for (let i = 0; i * step < own.samples.length; i++) {
    await pause(Math.max(0, start + PACKET_MS * i - performance.now()));
    c.audio(own.samples.slice(i * step, (i + 1) * step));
  }
  const ended = performance.now();
  await c.finish();
  return { c, waited_ms: performance.now() - ended };
}

async function pooled() {
  const worker = path.join(root, 'contrib/realtimestt/worker.py');
  const began = performance.now();
  const server = await Server.start(set({
    'pool.en.engine': 'exec', 'pool.en.min': 2, 'pool.en.max': 2, 'pool.en.spare': 0, 'pool.en.lease': 'utterance', 'pool.en.refresh': 'reset',
    'pool.en.start_timeout_ms': 120000, 'pool.en.queue_timeout_ms': 600000, 'pool.en.canary_interval_ms': 0,
    'pool.en.param.command': `${folder}/run ${worker}`, 'pool.en.param.model': `${folder}/model`,
    'pool.en.param.realtime_model_type': `${folder}/model`, 'pool.en.param.language': 'en', 'pool.en.param.compute_type': COMPUTE,
    ...(process.env.RENEW ? { 'pool.en.param.renew': process.env.RENEW } : {}),
  }), { ready: false });
  try {
    await waitFor(async () => (await server.pool()).counts.idle === 2);
    print(`two instances are ready after ${seconds(performance.now() - began)}`);
    const all = await Promise.all(clips.map((own, n) => dictate(server, own, n)));
    for (const [i, { c }] of all.entries()) for (const e of c.events.filter((x) => x.type === 'error' || x.incomplete)) print(`${clips[i].name}: ${JSON.stringify(e)}`);
    const ends = all.map((one) => one.waited_ms).sort((a, b) => a - b);
    const pids = (await server.pool()).instances.map((i) => i.pid);
    print(`from the end of speech to the last final: ${seconds(ends[0])} to ${seconds(ends.at(-1))}; partials: ${all.reduce((n, { c }) => n + c.all('partial').length, 0)}`);
    print(`instances: ${new Set(all.flatMap(({ c }) => c.finals.map((f) => f.instance))).size}; resident each: ${pids.map(rss).join(', ')}`);
    return new Map(clips.map((own, i) => [own.name, all[i].c.finals.map((f) => f.text).filter(Boolean)]));
  } catch (e) {
    print(server.log);
    throw e;
  } finally {
    await server.stop({ sums: false });
  }
}

async function waitFor(is) {
  for (let i = 0; i < 1200; i++) {
    if (await is()) return;
    await pause(100);
  }
  throw new Error('the instances did not get ready in two minutes');
}

const rss = (pid) => `${Math.round(Number(fs.readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s*(\d+)/)[1]) / 1024)} MB`;

// ---- one recorder ----

// What a script here prints, by client.
async function scripted(script, args, some) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-realtimestt-'));
  const files = some.map((c) => `${c.name}=${c.file}`);
  const command = [path.join(root, 'tools/realtimestt.d', script), ...args, COMPUTE, `${folder}/model`, ...files];
  const child = spawn(`${folder}/run`, command, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (d) => (out += d));
  child.stderr.on('data', (d) => (err += d));
  const code = await new Promise((resolve) => child.on('close', resolve));
  fs.rmSync(dir, { recursive: true });
  if (code !== 0) throw new Error(err);
  const texts = new Map();
  for (const { client, text } of out.trim().split('\n').filter(Boolean).map(JSON.parse)) texts.set(client, [...(texts.get(client) ?? []), text]);
  return texts;
}

print(`Eight clients, ${seconds(APART_MS)} from one's beginning to the next one's, at the pace of speech.`);
const pool = report('A pool of two instances', await pooled(), clips);
const one = report('One recorder for all at once', await scripted('shared.py', [APART_MS / 1000], clips), clips);
const plain = clips.filter((c) => c.rate === 16000); // handed.py takes samples as they are
const inPairs = plain.slice(0, plain.length - (plain.length % 2));
const handed = report('One recorder, one client after the other, abort() between them', await scripted('handed.py', [], inPairs), inPairs.filter((_, i) => i % 2 === 1));
const good = pool.foreigners === 0 && pool.wrong < pool.total / 4;
print(`\nClients with words of others: in the pool ${pool.foreigners}, sharing a recorder ${one.foreigners}, given a used one ${handed.foreigners}`);
process.exit(good ? 0 : 1);
