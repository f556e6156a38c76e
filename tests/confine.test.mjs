// Instances may hear and nothing else: what they may not do kills them, is counted, and is one session's trouble only.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { withServer, fake } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { onFakes } from './lib/fakes.mjs';
import { babble, fault, join } from './lib/speech.mjs';

const sound = babble(800);
const other = babble(800, 3);
const manual = { endpointing: 'manual' };
const isRoot = process.getuid() === 0;

const violations = async (s) => (await s.metrics())['pool_instances_violations_total{pool="en"}'];

async function idleInstance(s) {
  await s.until(async () => (await s.pool()).instances.some((i) => i.state === 'idle' && i.pid > 0), 'an instance is idle');
  return (await s.pool()).instances.find((i) => i.state === 'idle' && i.pid > 0);
}

// { Seccomp: '2', Uid: '0 0 0 0', ... }
function statusOf(pid) {
  const lines = fs.readFileSync(`/proc/${pid}/status`, 'utf8').split('\n');
  return Object.fromEntries(lines.filter(Boolean).map((l) => [l.split(':')[0], l.slice(l.indexOf(':') + 1).trim().replace(/\s+/g, ' ')]));
}

// Local addresses of the TCP and UDP sockets a process holds, and which of them listen.
function internetSockets(pid) {
  const links = fs.readdirSync(`/proc/${pid}/fd`).map((fd) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`));
  const inodes = new Set(links.map((l) => l.match(/^socket:\[(\d+)\]$/)?.[1]).filter(Boolean));
  return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((kind) =>
    fs.readFileSync(`/proc/${pid}/net/${kind}`, 'utf8').split('\n').slice(1).map((l) => l.trim().split(/\s+/))
      .filter((f) => inodes.has(f[9])).map((f) => `${kind} ${f[1]} in state ${f[3]}`));
}

// An utterance with the fault in it; meanwhile a neighbour dictates.
async function sufferBesideNeighbour(s, what) {
  const alone = (await dictate(s, other, manual)).text;
  const neighbour = await Client.start(s, manual);
  await neighbour.event('ready');
  neighbour.audio(other.subarray(0, 6400));
  const c = await Client.start(s, manual);
  c.audio(join(sound, fault(what), sound));
  c.send({ type: 'commit' });
  const error = await c.event('error');
  neighbour.audio(other.subarray(6400));
  await neighbour.finish();
  assert.equal(neighbour.text, alone);
  c.audio(other);
  await c.finish();
  assert.deepEqual(c.finals.map((f) => f.text), [alone]); // the session goes on
  return error;
}

for (const what of ['open', 'socket', 'exec']) {
  onFakes(`an engine that tries ${what} is killed and counted, and other sessions go on`, async (fake) => {
    await withServer(fake(), async (s) => {
      const error = await sufferBesideNeighbour(s, what);
      assert.equal(error.utterance, 1);
      assert.match(error.message, /2 instances were lost to this utterance/);
      await s.untilMetric('pool_instances_violations_total{pool="en"}', 2); // it was heard again by another one
      await s.says(/instance en\/\d+ was killed for a system call that its confinement \(confine = yes\) does not allow/);
      assert.doesNotMatch(s.log, /nothing stopped/);
    });
  });

  onFakes(`with confine = no nothing stops ${what}, and the engine says so`, async (fake) => {
    await withServer(fake({ 'pool.en.confine': 'no' }), async (s) => {
      await sufferBesideNeighbour(s, what);
      await s.says(/instance en\/\d+: nothing stopped /);
      assert.equal(await violations(s), 0);
    });
  });
}

onFakes('a fault can be asked for by a parameter too, and once for all instances', async (fake) => {
  const once = { 'pool.en.param.socket': 'end', 'pool.en.param.once': 'once', 'pool.en.warmup': '' };
  await withServer(fake(once), async (s) => {
    const c = await dictate(s, sound, manual);
    assert.notEqual(c.text, ''); // heard again by an instance that did not try
    assert.equal(await violations(s), 1);
    assert.notEqual((await dictate(s, sound, manual)).text, '');
    assert.equal(await violations(s), 1);
  });
});

onFakes('an instance has a filter, no new rights, no other descriptors, and dumps no core', async (fake) => {
  await withServer(fake(), async (s) => {
    const { pid } = await idleInstance(s);
    const status = statusOf(pid);
    assert.equal(status.Seccomp, '2');
    assert.equal(status.NoNewPrivs, '1');
    const limits = fs.readFileSync(`/proc/${pid}/limits`, 'utf8');
    assert.match(limits, /^Max core file size +0 +0 /m);
    assert.match(limits, /^Max file size +0 +0 /m);
    assert.match(limits, /^Max open files +8 +8 /m);
    const copies = fake().includes('pool.en.engine=fake'); // of itself, for eager finals
    assert.match(limits, copies ? /^Max processes +16384 +16384 /m : /^Max processes +0 +0 /m);
    assert.deepEqual(fs.readdirSync(`/proc/${pid}/fd`), ['0', '1', '2', '3', '4']);
    assert.deepEqual(internetSockets(pid), []);
  });
});

test('with confine = no and core_dumps = yes an instance has neither', async () => {
  await withServer(fake({ 'pool.en.confine': 'no', 'pool.en.core_dumps': 'yes' }), async (s) => {
    const { pid } = await idleInstance(s);
    assert.equal(statusOf(pid).Seccomp, '0');
    const most = fs.readFileSync(`/proc/${(await s.pool()).host_pid}/limits`, 'utf8').match(/^Max core file size +\S+ +(\S+)/m)[1];
    assert.match(fs.readFileSync(`/proc/${pid}/limits`, 'utf8'), new RegExp(`^Max core file size +${most} +${most} `, 'm'));
  });
});

const noCores = /^core/.test(fs.readFileSync('/proc/sys/kernel/core_pattern', 'utf8')) ? false : 'this machine dumps cores elsewhere';
for (const asked of ['no', 'yes']) {
  onFakes(`with core_dumps = ${asked} a crash leaves ${asked === 'yes' ? 'a' : 'no'} core dump`, { skip: noCores }, async (fake) => {
    await withServer(fake({ 'pool.en.core_dumps': asked }), async (s) => {
      const most = fs.readFileSync(`/proc/${(await s.pool()).host_pid}/limits`, 'utf8').match(/^Max core file size +\S+ +(\S+)/m)[1];
      const c = await Client.start(s, manual);
      c.audio(join(sound, fault('crash'), sound));
      await c.event('error');
      await c.finish();
      await s.until(() => s.log.match(/warn instance en\/\d+ was killed by signal 11/g)?.length === 2, 'both crashes are in the log');
      assert.equal(fs.readdirSync(s.dir).some((f) => f.startsWith('core')), asked === 'yes' && most !== '0');
    });
  });
}

test('the host has no internet socket', async () => {
  await withServer(fake(), async (s) => {
    assert.notDeepEqual(internetSockets(s.child.pid), []); // the look itself works
    assert.deepEqual(internetSockets((await s.pool()).host_pid), []);
  });
});

test('started by root, hosts and instances are of another user, and what they use is still seen',
  { skip: isRoot ? false : 'not root' }, async () => {
    await withServer(fake(), async (s) => {
      const { pid } = await idleInstance(s);
      const host = (await s.pool()).host_pid;
      for (const p of [pid, host]) {
        const { Uid, Gid, Groups, CapEff } = statusOf(p);
        for (const id of [...Uid.split(' '), ...Gid.split(' '), ...Groups.split(' ')]) assert.notEqual(id, '0');
        assert.equal(BigInt(`0x${CapEff}`), 0n);
      }
      assert.equal(statusOf(s.child.pid).Uid, '0 0 0 0');
      await s.until(async () => (await s.pool()).instances.some((i) => i.private_kb > 0), 'its memory is known');
    });
  });

test('user names another account, or root', { skip: isRoot ? false : 'not root' }, async () => {
  await withServer(fake({ 'pool.en.user': 'daemon' }), async (s) => {
    assert.equal(statusOf((await idleInstance(s)).pid).Uid, '1 1 1 1');
  });
  await withServer(fake({ 'pool.en.user': 'root' }), async (s) => {
    assert.equal(statusOf((await idleInstance(s)).pid).Uid, '0 0 0 0');
  });
});

test('a user that is not there fails the pool with a reason', { skip: isRoot ? false : 'not root' }, async () => {
  await withServer(fake({ 'pool.en.user': 'nemo' }), async (s) => {
    await s.until(async () => (await s.pool()).state === 'failed', 'the pool has failed');
    assert.match((await s.pool()).failure, /user = nemo, but there is no such account/);
  }, { ready: false });
});

test('a model that its user may not read is named, with the user', { skip: isRoot ? false : 'not root' }, async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-test-')); // root's alone
  t.after(() => fs.rmSync(dir, { recursive: true }));
  await withServer(fake({ 'pool.bad.engine': 'pocketsphinx', 'pool.bad.model': `${dir}/model` }), async (s) => {
    await s.until(async () => (await s.pool('bad')).state === 'failed', 'the pool has failed');
    assert.match((await s.pool('bad')).failure, /model: \S+ may not be read by user \d+/);
  });
});
