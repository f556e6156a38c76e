// What the machine gives, or does not: few processes, threads and descriptors, standard streams that are closed, a full disk, one
// that cannot be written, being process 1 of a container, a log that nobody reads, a service manager that watches. The server says
// what is missing in one sentence at its start, or serves; it never ends without a word.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build, fake, program, withServer } from './lib/server.mjs';
import { Client } from './lib/client.mjs';
import { wav } from './lib/audio.mjs';
import { babble } from './lib/speech.mjs';
import { withManager } from './lib/manager.mjs';
import { deadline } from './lib/wait.mjs';

const isRoot = process.getuid() === 0;
const asRoot = isRoot ? false : 'only root may change to another user, or make namespaces';
const quote = (words) => words.map((w) => `'${w.replaceAll("'", "'\\''")}'`).join(' ');

// The program as the last words of a shell script.
const under = (script) => (args, options) => spawn('bash', ['-c', `${script} ${quote([program, ...args])}`], options);

// One that ends by itself: what it said and how it ended.
function starved(script, args) {
  const r = spawnSync('bash', ['-c', `${script} ${quote(args)}`], { encoding: 'utf8', timeout: 60000 });
  return { code: r.status, signal: r.signal, lines: r.stderr.trim().split('\n') };
}

async function hear(s) {
  const c = await Client.start(s, { endpointing: 'manual' });
  await c.event('ready');
  c.audio(babble(400));
  c.send({ type: 'commit' });
  const final = await c.event('final');
  await c.finish();
  return final.text;
}

// ---- processes and threads ----

// Where another user may run them: the build may stand below a directory that only its owner may enter.
function copied(body) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-machine-'));
  fs.chmodSync(dir, 0o755);
  for (const name of ['stenopool', 'stenopool-host', 'stenopool-decoder', 'warmup.wav']) fs.copyFileSync(path.join(build, name), path.join(dir, name));
  return Promise.resolve(body(path.join(dir, 'stenopool'), dir)).finally(() => fs.rmSync(dir, { recursive: true }));
}
// Users of these numbers have nothing else running.
let user = 54321;
const limited = (tasks) => `ulimit -u ${tasks}; exec setpriv --reuid ${++user} --regid ${user} --clear-groups`;

test('thread-limit: with too few for an ear, a look-up, a host and an instance the server says so and does not start', { skip: asRoot }, () =>
  copied((copy) => {
    const r = starved(limited(4), [copy, 'serve', '--listen', '127.0.0.1:0', ...fake()]);
    assert.deepEqual([r.code, r.signal], [1, null]);
    assert.equal(r.lines.length, 1);
    assert.match(r.lines[0], /^stenopool: 3 more processes and threads may be started here, and 4 are the least for 1 pools: RLIMIT_NPROC of this user is 4; raise it/);
  }));

for (const [tasks, threads, short] of [[6, 2, true], [40, 64, true], [90, 64, false]]) {
  test(`thread-limit: ${tasks} processes and threads and ear_threads = ${threads}: ${short ? 'what fits is started, said' : 'all are started'}, and hears`, { skip: asRoot }, () =>
    copied((copy) => {
      const launch = (args, options) => spawn('bash', ['-c', `${limited(tasks)} ${quote([copy, ...args])}`], options);
      return withServer(fake({ 'server.ear_threads': threads }), async (s) => {
        assert.notEqual(await hear(s), '');
        const warning = s.log.split('\n').filter((l) => l.includes('more processes and threads may be started'));
        assert.equal(warning.length, short ? 1 : 0);
        if (short) assert.match(warning[0], new RegExp(`RLIMIT_NPROC of this user is ${tasks}.*ear_threads ${threads} .*going on with \\d+ ear threads`));
        const started = fs.readdirSync(`/proc/${s.child.pid}/task`).length;
        assert.ok(started >= 3 && started < tasks - 1, `${started} threads were started of ${tasks} tasks`);
      }, { launch });
    }));
}

test('all threads are there before the server says that it listens', () =>
  withServer(fake({ 'server.ear_threads': 3 }), async (s) => {
    assert.ok(fs.readdirSync(`/proc/${s.child.pid}/task`).length >= 6, 'three ears, two look-ups and the loop');
  }, { ready: false }));

test('transcribe without threads says so', { skip: asRoot }, () =>
  copied((copy, dir) => {
    const clip = path.join(dir, 'a.wav');
    fs.writeFileSync(clip, wav(babble(300)));
    const r = starved(limited(2), [copy, 'transcribe', '--server', 'http://127.0.0.1:1', clip]);
    assert.deepEqual([r.code, r.signal], [1, null]);
    assert.match(r.lines.join(' '), /^stenopool transcribe: 4 threads are needed, and no more than 1 can be started: /);
  }));

// ---- descriptors ----

const LEAST = 128; // for a pool and a listener

test('with too few descriptors the server says so and does not start', () => {
  const r = starved(`ulimit -n ${LEAST - 1}; exec`, [program, 'serve', '--listen', '127.0.0.1:0', ...fake()]);
  assert.deepEqual([r.code, r.signal], [1, null]);
  assert.equal(r.lines.join('\n'), `stenopool: ${LEAST - 1} descriptors may be open, and ${LEAST} are the least for 1 pools and 1 listeners; raise the hard limit (ulimit -Hn, LimitNOFILE)`);
});

test('with as few as it takes it serves', () =>
  withServer(fake(), async (s) => {
    assert.notEqual(await hear(s), '');
    await s.says(/128 descriptors may be open, and max_connections/);
  }, { launch: under(`ulimit -n ${LEAST}; exec`) }));

test('closed descriptors: no socket takes the place of standard input, output or error', () =>
  withServer(fake(), async (s) => {
    assert.notEqual(await hear(s), '');
    for (const fd of [0, 2]) assert.equal(fs.readlinkSync(`/proc/${s.child.pid}/fd/${fd}`), '/dev/null');
    assert.ok((await s.metrics()).log_lines_lost_total > 0, 'what the log lost is counted');
  }, { launch: under('exec 0<&- 2>&-; exec') }));

for (const [what, redirection, reason] of [['closed', '>&-', 'Bad file descriptor'], ['on a full disk', '>/dev/full', 'No space left on device']]) {
  test(`a standard output that is ${what} is no success`, () => {
    const r = starved('', [program, 'serve', '--help-config']);
    assert.equal(r.code, 0);
    const bad = spawnSync('bash', ['-c', `${quote([program, 'serve', '--help-config'])} ${redirection}`], { encoding: 'utf8' });
    assert.deepEqual([bad.status, bad.stderr], [1, `stenopool: cannot write to standard output: ${reason}\n`]);
  });
}

// ---- the container ----

// Its own pids, and mounts that are nobody else's.
const contained = (inside) => (args, options) =>
  spawn('unshare', ['--mount', '--pid', '--mount-proc', '--fork', '--kill-child', 'bash', '-c', `${inside} exec ${quote([program, ...args])}`], options);
const serverIn = (s) => Number(fs.readFileSync(`/proc/${s.child.pid}/task/${s.child.pid}/children`, 'utf8').trim().split(' ')[0]);
const canContain = isRoot && spawnSync('unshare', ['--mount', '--pid', '--mount-proc', '--fork', 'true']).status === 0;
const noContainer = canContain ? false : 'namespaces cannot be made here';

// SIGTERM reaches the server itself, which unshare would not pass on.
async function leave(s) {
  process.kill(serverIn(s), 'SIGTERM');
  assert.equal((await deadline(s.exited, () => `the server to leave: ${s.log}`)).code, 0);
  s.stopped = true;
  fs.rmSync(s.dir, { recursive: true, force: true });
}

test('a root that cannot be written is no hindrance', { skip: noContainer }, () =>
  withServer(fake({ 'server.poison_dir': '/var/lib' }), async (s) => {
    assert.notEqual(await hear(s), '');
    await s.checkSums();
    await leave(s);
  }, { launch: contained('mount -o remount,bind,ro / &&') }));

test("as process 1 of a container it reaps strangers' orphans, and none of its own", { skip: noContainer }, () =>
  withServer(fake(), async (s) => {
    const pid = serverIn(s);
    for (let i = 0; i < 3; i++) execFileSync('nsenter', ['--target', String(pid), '--pid', '--mount', 'sh', '-c', '(true &) ; (exec true &)']);
    await s.until(async () => (await s.metrics()).orphans_reaped_total === 6, 'all six are reaped');
    assert.notEqual(await hear(s), '');
    await s.checkSums();
    assert.equal((await s.metrics()).orphans_reaped_total, 6);
    await leave(s);
  }, { launch: contained('') }));

// ---- the log ----

test('log-pipe-stalled: a log that nobody reads costs lines, which are counted and told when it is read again, and no service', () =>
  withServer(fake({ 'server.log_level': 'debug' }), async (s) => {
    s.child.stderr.pause();
    let m;
    do {
      await hear(s);
      m = await s.metrics();
    } while (m.log_lines_lost_total === 0);
    assert.equal((await s.get('/healthz')).status, 200);
    assert.notEqual(await hear(s), '');
    s.child.stderr.resume();
    await s.says(/warn log: \d+ lines were lost before this one/);
    await s.checkSums();
    const told = () => [...s.log.matchAll(/log: (\d+) lines were lost/g)].reduce((sum, [, n]) => sum + Number(n), 0);
    await s.until(async () => told() === (await s.metrics()).log_lines_lost_total, 'as many are told as were counted');
    assert.ok(s.log.trim().split('\n').every((l) => /^\d{4}-\d\d-\d\dT[\d:.]+Z (error|warn|info|debug) /.test(l)), 'lines are whole');
  }));

test("the log's descriptor stays as it was for others who have it", () =>
  withServer(fake(), async (s) => {
    const flags = (pid) => parseInt(fs.readFileSync(`/proc/${pid}/fdinfo/2`, 'utf8').match(/^flags:\s+(\d+)$/m)[1], 8);
    assert.equal(flags(s.child.pid) & fs.constants.O_NONBLOCK, 0);
  }));

// ---- the watchdog ----

test('watchdog: a service manager that asks for it is told again and again that the loop turns', () =>
  withManager((m) =>
    withServer(fake(), async (s) => {
      await s.until(() => m.times('WATCHDOG=1') >= 5, 'it was told five times');
      await m.hears(/^READY=1\|STATUS=serving$/m);
    }, { env: { NOTIFY_SOCKET: m.name, WATCHDOG_USEC: '100000' } })));

test('watchdog: one that asks another process is not told', () =>
  withManager((m) =>
    withServer(fake(), async (s) => {
      await hear(s);
      await m.hears(/^READY=1/m);
      assert.equal(m.times('WATCHDOG=1'), 0);
    }, { env: { NOTIFY_SOCKET: m.name, WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' } })));
