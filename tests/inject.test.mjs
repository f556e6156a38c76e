// The machine runs out of descriptors, processes, memory or disk, or its clock jumps. The server says so in a line, refuses
// what it cannot do, goes on with the rest, and does everything again when it can.
import test, { describe } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build, sanitizer, withServer, fake } from './lib/server.mjs';
import { Client } from './lib/client.mjs';
import { heard } from './lib/residue.mjs';
import { babble, fault, join } from './lib/speech.mjs';
import { assertUndisturbed, instanceIn } from './lib/faults.mjs';

const skip = sanitizer ? `${sanitizer} has a malloc of its own, which does not go with LD_PRELOAD` : false;

const sounds = [babble(700, 1), babble(900, 2), babble(500, 3)];
const settings = (more = {}) => fake({ 'pool.en.max': 2, 'pool.en.spare': 0, 'pool.en.min': 0, ...more });

// A session, an utterance at a time.
class Talk {
  static async begin(s) {
    const t = new Talk();
    t.c = await Client.start(s, { endpointing: 'manual' });
    await t.c.event('ready');
    return t;
  }
  open(n) {
    this.c.audio(sounds[n]);
    return this.c.event('speech_start', n);
  }
  end(n) {
    this.c.send({ type: 'commit' });
    return this.c.event('final', n);
  }
  async say(n) {
    await this.open(n);
    return this.end(n);
  }
}

let known;
async function undisturbed() {
  if (known) return known;
  await withServer(settings(), async (s) => {
    const t = await Talk.begin(s);
    for (const n of sounds.keys()) await t.say(n);
    await t.c.finish();
    known = heard(t.c);
  });
  return known;
}

// Switches of tests/inject/inject.c.
const CONTROLS = ['fork', 'memory', 'disk', 'clock'];
async function withFaults(more, body) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-inject-'));
  const file = path.join(dir, 'controls');
  fs.writeFileSync(file, '0'.repeat(CONTROLS.length));
  for (const name of [dir, file]) fs.chmodSync(name, 0o777); // for hosts, which are not root's where the server is
  const fd = fs.openSync(file, 'r+');
  const control = (name, on) => fs.writeSync(fd, on ? '1' : '0', CONTROLS.indexOf(name));
  const env = { LD_PRELOAD: path.join(build, 'tests/inject/inject.so'), STENOPOOL_INJECT: file };
  try {
    await withServer(settings(more(dir)), (s) => body(s, control, dir), { env });
  } finally {
    fs.closeSync(fd);
    fs.rmSync(dir, { recursive: true });
  }
}

const lines = (s, words) => s.log.split('\n').filter((l) => words.test(l));

// The server's ends of connections that still have a descriptor; those of /proc/net/tcp without an inode have none.
function openSockets(s) {
  const port = `:${s.port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = fs.readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1).map((l) => l.trim().split(/\s+/));
  return rows.filter(([, local, , state, , , , , , inode]) => local.endsWith(port) && state !== '0A' && inode !== '0').length;
}

// The limit is on the numbers of descriptors: from the lowest that is free on, `left` of them may still be had.
function limitDescriptors(s, left) {
  const used = new Set(fs.readdirSync(`/proc/${s.child.pid}/fd`).map(Number));
  let free = 0;
  while (used.has(free)) free++;
  execFileSync('prlimit', ['--pid', String(s.child.pid), `--nofile=${free + left}:`]);
}
const MANY = 4000;

test('short of descriptors the server turns newcomers away, says so once a second, and keeps the rest for those who are here', async () => {
  const expected = await undisturbed();
  await withServer(settings(), async (s) => {
    const t = await Talk.begin(s);
    await t.say(0);
    limitDescriptors(s, 20);
    const turned = await Promise.allSettled(Array.from({ length: 10 }, () => Client.open(s)));
    for (const { reason } of turned) {
      assert.equal(reason?.status, 503);
      assert.match(reason.head, /^retry-after: \d+$/im);
      assert.match(reason.body, /short of descriptors/);
    }
    await t.say(1); // by a newborn
    assert.ok(lines(s, /error cannot take connections: .*short of descriptors/).length < 10);
    await s.says(/short of descriptors/);
    limitDescriptors(s, MANY);
    await t.say(2);
    await t.c.finish();
    assertUndisturbed(t.c, expected);
    assert.equal((await s.metrics()).connections_unaccepted_total, 10);
  });
});

test('with no descriptor left newcomers are closed or kept waiting, and who waits for a newborn is heard when there are some again', async () => {
  const expected = await undisturbed();
  await withServer(settings({ 'pool.en.backoff_min_ms': 50, 'pool.en.backoff_max_ms': 200 }), async (s) => {
    const first = await Talk.begin(s);
    await first.say(0);
    const second = await Client.open(s);
    await s.untilMetric('connections', 3); // these two, and the one that asks
    await instanceIn(s, 'leased');
    await s.until(() => openSockets(s) === 2, 'whatever was asked until now gives no descriptor back any more');
    limitDescriptors(s, 0);
    second.send({ type: 'start', endpointing: 'manual' });
    await s.says(/(error|warn) .*descriptors/);
    const newcomers = Promise.allSettled(Array.from({ length: 10 }, () => Client.open(s)));
    let settled = false;
    newcomers.then(() => (settled = true));
    await s.until(() => settled || /cannot take connections: .* descriptors/.test(s.log), 'they are closed, or it is said why not');
    limitDescriptors(s, MANY);
    for (const { value } of await newcomers) value?.vanish();
    await first.say(1);
    await first.say(2);
    await first.c.finish();
    assertUndisturbed(first.c, expected);
    second.audio(sounds[0]);
    await second.finish();
    assert.equal(heard(second)[0].text, expected[0].text);
  });
});

describe('calls that fail', { skip }, () => {
  test('a host that cannot fork says so, more and more rarely, and who waits for a newborn is heard when it can', async () => {
    const expected = await undisturbed();
    await withFaults(() => ({}), async (s, control) => {
      const t = await Talk.begin(s);
      await t.open(0);
      await s.untilMetric('pool_utterances_begun_total{pool="en"}', 1);
      control('fork', true);
      await t.end(0);
      t.c.audio(sounds[1]);
      await t.c.event('speech_start', 1);
      await s.until(() => lines(s, /error host en: .*cannot fork/).length >= 3, 'it is said');
      control('fork', false);
      await t.end(1);
      await t.say(2);
      await t.c.finish();
      assertUndisturbed(t.c, expected);
    });
  });

  test('a session for whose audio there is no memory ends with an error, and its neighbour does not notice', async () => {
    const expected = await undisturbed();
    const pieces = Array.from({ length: 30 }, (_, n) => babble(1000, n)); // made now: who is slow to read loses what was said last
    await withFaults(() => ({ 'vad.max_utterance_ms': 120000 }), async (s, control) => {
      const t = await Talk.begin(s);
      await t.say(0);
      control('memory', true);
      const large = await Client.start(s, { endpointing: 'manual' });
      await large.event('ready');
      for (const piece of pieces) large.audio(piece);
      const how = await large.end();
      assert.equal(how.code, 1011);
      assert.match(large.all('error').at(-1).message, /out of memory/);
      await t.say(1);
      control('memory', false);
      await t.say(2);
      await t.c.finish();
      assertUndisturbed(t.c, expected);
    });
  });

  test('a full disk costs the copy of a poisonous utterance, and nothing else', async () => {
    await withFaults((dir) => ({ 'server.poison_dir': dir }), async (s, control) => {
      control('disk', true);
      const c = await Client.start(s, { endpointing: 'manual' });
      c.audio(join(sounds[0], fault('crash'), sounds[0]));
      assert.equal((await c.event('error')).utterance, 1);
      await s.says(/error cannot keep .*: No space left on device/);
      c.send({ type: 'commit' });
      c.audio(sounds[1]);
      await c.finish();
      assert.deepEqual(c.finals.map((f) => f.utterance), [2]);
    });
  });

  test('a clock that jumps by a year and back changes nothing but the dates in the log', async () => {
    const expected = await undisturbed();
    await withFaults(() => ({ 'server.log_level': 'debug' }), async (s, control) => {
      const years = () => new Set(s.log.split('\n').map((l) => l.slice(0, 4)).filter(Boolean));
      const t = await Talk.begin(s);
      await t.open(0);
      control('clock', true);
      await t.end(0);
      await t.say(1);
      control('clock', false);
      await t.say(2);
      await t.c.finish();
      assertUndisturbed(t.c, expected);
      assert.equal(years().size, 2);
      const m = await s.metrics();
      for (const name of ['instances_lost', 'instances_stuck', 'refused_timeout']) assert.equal(m[`pool_${name}_total{pool="en"}`], 0);
      assert.equal(m.sessions_failed_total, 0);
    });
  });
});
