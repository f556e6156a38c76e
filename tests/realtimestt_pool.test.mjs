// RealtimeSTT as an engine (contrib/realtimestt), with a stand-in for the package (tests/lib/python/RealtimeSTT) that has the same calls, threads and
// residue. The real one runs in `make realtimestt`.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { alive, root, set, signal, withServer } from './lib/server.mjs';
import { Client } from './lib/client.mjs';
import { instanceOf, losses, none } from './lib/faults.mjs';
import { until } from './lib/wait.mjs';

const WORDS = ['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot', 'golf', 'hotel'];
const worker = path.join(root, 'contrib/realtimestt/worker.py');
const python = path.join(root, 'tests/lib/python');

const settings = (more = {}) => set({
  'vad.vad': 'statistical', 'pool.en.engine': 'exec', 'pool.en.min': 2, 'pool.en.max': 2, 'pool.en.spare': 0, 'pool.en.lease': 'utterance', 'pool.en.refresh': 'reset',
  'pool.en.param.command': `python3 -B ${worker}`, 'pool.en.param.package': python, 'pool.en.param.model': '.', 'pool.en.param.realtime_processing_pause': '0.02',
  ...more,
});
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const lone = { 'pool.en.min': 1, 'pool.en.max': 1 };
const idle = (server, n) => server.until(async () => (await server.pool()).counts.idle === n, `${n} instances are idle`);
// A server whose workers look for faults in its folder.
const withPool = (more, body) => {
  const faults = fs.mkdtempSync('/tmp/stenopool-realtimestt-');
  fs.chmodSync(faults, 0o777);
  const fault = (name, text = '') => fs.writeFileSync(path.join(faults, name), text);
  return withServer(settings({ 'pool.en.param.model': faults, ...more }), (server) => body(server, fault)).finally(() =>
    fs.rmSync(faults, { recursive: true, force: true }));
};

// What the stand-in hears as that word, so many times.
const said = (word, times, extra = 0) => Int16Array.from({ length: 1600 * times + extra }, (_, i) => (i % 2 ? 1 : -1) * (1000 + 100 * word));
const text = (word, times) => (times === 0 ? '' : `${Array(times).fill(WORDS[word]).join(' ')}.`).replace(/^./, (c) => c.toUpperCase());

// Utterances of one client, each ended by a commit; the finals as they should be.
async function converse(server, word, lengths) {
  const c = await Client.start(server, { endpointing: 'manual' });
  for (const [i, times] of lengths.entries()) {
    c.audio(said(word, times, 37 * word));
    c.send({ type: 'commit' });
    await c.event('final', i);
  }
  await c.finish();
  assert.deepEqual(c.finals.map((f) => f.text), lengths.map((times) => text(word, times)));
  return c;
}

const children = (pid) => fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
// Those of an instance are found while it lives.
const family = (pid) => [pid, ...children(pid).flatMap(family)];
const nothingLeft = (pids) => until(() => pids.every((pid) => !alive(pid)), `no process of ${pids} is left`);

test('the recorder is used as hearing.py says', () => {
  const env = { ...process.env, PYTHONPATH: `${python}:${path.dirname(worker)}` };
  const run = spawnSync('python3', ['-B', '-m', 'unittest', 'realtimestt_hearing_test'], { encoding: 'utf8', env });
  assert.equal(run.status, 0, run.stderr);
});

for (const renew of ['yes', 'no']) {
  test(`eight clients and two recorders, renew = ${renew}: each has all of its words and nobody else's`, () =>
    withPool({ 'pool.en.param.renew': renew }, async (server) => {
      await idle(server, 2);
      const clients = await Promise.all(WORDS.map((_, word) => converse(server, word, [3, 1, 2])));
      assert.equal(new Set(clients.flatMap((c) => c.finals.map((f) => f.instance))).size, 2);
      assert.deepEqual(await losses(server), none);
    }));
}

test('refresh = session: each client has a process of its own, which nobody had before', () =>
  withPool({ 'pool.en.lease': 'session', 'pool.en.refresh': 'session' }, async (server) => {
    const clients = await Promise.all([0, 1, 2, 3].map((word) => converse(server, word, [2, 1])));
    const heardBy = clients.map((c) => new Set(c.finals.map((f) => f.instance)));
    assert.ok(heardBy.every((s) => s.size === 1));
    assert.equal(new Set(heardBy.flatMap((s) => [...s])).size, 4);
  }));

test('partials are what the recorder writes while somebody speaks, and the language is told', () =>
  withPool({ 'server.partial_interval_ms': 100 }, async (server) => {
    const c = await Client.start(server, { endpointing: 'manual' });
    while (c.all('partial').length < 2) {
      c.audio(said(4, 1));
      await pause(20); // the pace of speech; waits for nothing
    }
    await c.finish();
    assert.ok(c.all('partial').every((p) => /^Echo( echo)*$/.test(p.text)), JSON.stringify(c.all('partial')));
    assert.ok(c.finals[0].text.startsWith(c.all('partial').at(-1).text));
    assert.equal(c.finals[0].language, 'en');
  }));

test('words have their times where the settings ask for them', () =>
  withPool({ 'pool.en.param.final_transcription_word_timestamps': 'yes' }, async (server) => {
    const words = (await converse(server, 1, [3])).finals[0].words;
    assert.deepEqual(words.map((w) => [w.text, w.start_ms, w.end_ms]), [['bravo', 0, 100], ['bravo', 100, 200], ['bravo', 200, 300]]);
  }));

test('what a client leaves behind is in nobody else\'s text', () =>
  withPool({ ...lone, 'pool.en.param.renew': 'no' }, async (server, fault) => {
    for (const leave of ['in speech', 'while its final is computed']) {
      const c = await Client.start(server, { endpointing: 'manual' });
      c.audio(said(5, 4, 100));
      await c.event('ready');
      await instanceOf(server, c);
      if (leave !== 'in speech') {
        fault('slow', '0.5');
        c.send({ type: 'commit' });
        await c.event('speech_end');
      }
      c.vanish();
      await server.until(async () => (await server.status()).sessions.length === 0, 'it is gone');
      fault('slow', '0');
      await converse(server, 6, [2]);
    }
    assert.equal((await losses(server)).lost, 0);
  }));

test('a worker that is killed while somebody speaks costs no word, and leaves no process', () =>
  withPool({}, async (server) => {
    const c = await Client.start(server, { endpointing: 'manual' });
    c.audio(said(1, 2));
    await c.event('ready');
    const { pid } = await instanceOf(server, c);
    const all = family(pid);
    assert.ok(all.length > 1, 'the recorder has a process of its own');
    signal(pid, 'SIGKILL');
    await c.event('recovered');
    c.audio(said(1, 1));
    await c.finish();
    assert.deepEqual(c.finals.map((f) => f.text), [text(1, 3)]);
    await nothingLeft(all);
  }));

test('a final that never comes is computed by another worker, and so is one that the worker dies of', () =>
  withPool({ 'pool.en.final_timeout_ms': 500, 'pool.en.slowest_factor': 1 }, async (server, fault) => {
    for (const [i, what] of ['hang', 'crash'].entries()) {
      fault(what);
      await converse(server, i, [2]);
    }
    const { lost, stuck, recovered, failed } = await losses(server);
    assert.deepEqual({ lost, stuck, recovered, failed }, { lost: 1, stuck: 1, recovered: 2, failed: 0 });
  }));

test('a recorder that does not end is ended with its worker', () =>
  withPool({ ...lone, 'pool.en.start_timeout_ms': 1500 }, async (server, fault) => {
    fault('stuck');
    await converse(server, 2, [1]);
    await converse(server, 3, [1]);
    await server.says(/ready/);
  }));

test('where the recogniser throws, another worker hears the utterance, and the log has its words', () =>
  withPool(lone, async (server, fault) => {
    fault('fail');
    const c = await converse(server, 2, [2]);
    assert.equal(c.all('recovered').length, 1);
    await server.says(/utterance 1 lost its instance: HearingError: the recorder said: the model could not be used/);
  }));

for (const [what, more, words] of [
  ['a setting that RealtimeSTT does not have', { 'pool.en.param.beam': 3 }, /"beam" is no setting of AudioToTextRecorder/],
  ['a setting that is not to be set', { 'pool.en.param.use_microphone': 'yes' }, /"use_microphone" is the worker's to set/],
  ['a package that is not there', { 'pool.en.param.package': '/nowhere' }, /RealtimeSTT cannot be imported/],
]) {
  test(`${what} is said in a sentence`, () => withServer(settings(more), (server) => server.says(words), { ready: false, sums: false }));
}
