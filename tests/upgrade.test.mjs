// Sockets that somebody hands over: systemd at the start, or an old server to a new one (SIGUSR2); and what the service
// manager is told.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Server, build, fake, alive, signal } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { withManager } from './lib/manager.mjs';
import { until } from './lib/wait.mjs';
import { sound, manual, midUtterance, reload, toldToMove, leftWell, Settings } from './lib/ops.mjs';

const text = async (s) => (await dictate(s, sound, manual)).text;
const upgrade = (s) => s.child.kill('SIGUSR2');
const took = /the new server, process (\d+), has taken over/;

// A server whose successors are ended with it; all must have left when the body is through.
async function withHeirs(args, body, options) {
  const s = await Server.start(args, options);
  const end = (name) => {
    for (const pid of [s.child.pid, ...[...s.log.matchAll(new RegExp(took, 'g'))].map((m) => Number(m[1]))]) {
      signal(pid, name);
    }
  };
  try {
    await body(s);
    const family = [...s.processes(), ...(await s.status()).pools.map((p) => p.host_pid)];
    end('SIGTERM');
    await leftWell(s);
    await until(() => !family.some(alive), `no process of ${family} is left`);
  } catch (e) {
    end('SIGKILL');
    e.message += `\n--- the servers' log ---\n${s.log}`;
    throw e;
  } finally {
    s.stopped = true;
    fs.rmSync(s.dir, { recursive: true, force: true });
  }
}

async function handOver(s) {
  upgrade(s);
  return Number((await s.says(took))[1]);
}

// Programs of the test's own, which it may replace.
function ownProgram(dir) {
  for (const name of ['stenopool', 'stenopool-host']) fs.copyFileSync(path.join(build, name), path.join(dir, name));
  return path.join(dir, 'stenopool');
}
function replaceProgram(file, script) {
  fs.writeFileSync(`${file}.new`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  fs.renameSync(`${file}.new`, file);
}
const temporary = () => fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-upgrade-'));

test('a new server takes over; an open utterance gets its final from the old one, which then leaves', async () => {
  await withHeirs(fake(), async (s) => {
    const expected = await text(s);
    const c = await midUtterance(s);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    await s.get('/healthz', { agent }); // stays with the old one
    const heir = await handOver(s);
    assert.match(fs.readFileSync(`/proc/${heir}/cmdline`, 'utf8'), /stenopool\0serve\0/);
    assert.ok(!s.processes().includes(heir), 'a service manager can be its parent');
    const d = await Client.start(s, manual);
    await d.event('ready');
    d.audio(sound);
    const status = await s.status();
    assert.equal(status.sessions.length, 1); // the old one's is not there
    const old = JSON.parse((await s.get('/v1/status', { agent })).body);
    assert.deepEqual(old.sessions.map((x) => x.id), [c.all('ready')[0].session]);
    for (const sums of [status.sums, old.sums]) assert.ok(Object.values(sums).every((x) => x.balanced), JSON.stringify(sums));
    assert.equal(old.sums.utterances.open, 1);
    agent.destroy();
    c.send({ type: 'commit' });
    await c.event('final');
    await d.finish();
    c.audio(sound); // the session goes on where it is
    await c.finish();
    assert.deepEqual([c.text, d.text], [`${expected} ${expected}`, expected]);
    assert.deepEqual(await s.left, { code: 0, signal: null });
    assert.ok(alive(heir));
    assert.equal(await text(s), expected);
    await s.checkSums();
    await s.says(/leaving with no session open/);
  });
});

test('a socket is not given to another listener than its own: where that is gone there is no hand-over', async () => {
  const pool = { 'pool.en': { engine: 'fake' } };
  const listens = { 'listen web': { address: '127.0.0.1:0' }, 'listen phone': { address: '127.0.0.1:0', protocol: 'vosk' } };
  const settings = new Settings({ ...pool, ...listens });
  const launch = (all, options) => spawn(path.join(build, 'stenopool'), ['serve', ...all.slice(3)], options); // without --listen
  await withHeirs(['-c', settings.file], async (s) => {
    settings.write({ ...pool, 'listen phone': listens['listen phone'] });
    s.child.kill('SIGHUP');
    await s.says(/listen\.web was removed: this needs a restart\n/);
    upgrade(s);
    await s.says(/named "web", which no \[listen NAME\] is/);
    await s.says(/this server serves on/);
    settings.write({ ...pool, ...listens });
    await handOver(s);
    assert.equal((await s.get('/healthz')).status, 200);
  }, { launch });
  settings.remove();
});

test('nobody is refused while servers hand over', async () => {
  await withHeirs(fake(), async (s) => {
    let asked = 0;
    let over = false;
    const client = async () => {
      while (!over) {
        assert.equal((await s.get('/healthz')).status, 200);
        asked++;
      }
    };
    const clients = [client(), client(), client()];
    await handOver(s);
    await s.left;
    const before = asked;
    await until(() => asked > before + 10, 'the new one answers');
    over = true;
    await Promise.all(clients);
  });
});

test('a server that was taken over from drains after handover_timeout_ms', async () => {
  await withHeirs(fake({ 'server.handover_timeout_ms': 300, 'server.drain_timeout_ms': 0 }), async (s) => {
    const c = await midUtterance(s);
    await handOver(s);
    await toldToMove(c);
    assert.equal(c.finals.length, 1);
    assert.deepEqual(await s.left, { code: 0, signal: null });
    await s.says(/handover_timeout_ms is over/);
  });
});

test('a new program at the same place is what runs; one that fails changes nothing', async () => {
  const dir = temporary();
  const program = ownProgram(dir);
  const launch = (all, options) => spawn(program, all, options);
  await withHeirs(fake(), async (s) => {
    const c = await midUtterance(s);
    replaceProgram(program, 'exit 3');
    upgrade(s);
    await s.says(/error server: no hand-over, this server serves on: the new server ended with status 3\n/);
    fs.rmSync(program);
    upgrade(s);
    await s.says(/no hand-over: cannot run \S+: No such file/);
    assert.notEqual(await text(s), '');
    replaceProgram(program, `echo the new version >&2; exec ${path.join(build, 'stenopool')} "$@"`);
    await handOver(s);
    await s.says(/the new version\n/);
    assert.notEqual(await text(s), '');
    await c.finish();
    assert.equal(c.finals.length, 1);
    await s.left;
  }, { launch });
  fs.rmSync(dir, { recursive: true });
});

test('a new server that is not ready in time is ended, and a second SIGUSR2 meanwhile is refused', async () => {
  const settings = new Settings({ 'pool.en': { engine: 'fake' }, server: { handover_start_timeout_ms: 700 } });
  await withHeirs(['-c', settings.file], async (s) => {
    settings.write({ 'pool.en': { engine: 'fake', 'param.load_ms': 60000 } });
    upgrade(s);
    await s.says(/starting \S+stenopool to take over/);
    upgrade(s);
    await s.says(/no hand-over: a new server is being started already/);
    await s.says(/this server serves on: the new server was not ready within handover_start_timeout_ms 700/);
    assert.notEqual(await text(s), '');
    settings.write({ 'pool.en': { engine: 'fake' } });
    await handOver(s);
    await s.left;
    assert.notEqual(await text(s), '');
  });
  settings.remove();
});

test('SIGTERM during a hand-over ends both', async () => {
  const settings = new Settings({ 'pool.en': { engine: 'fake' } });
  const s = await Server.start(['-c', settings.file]);
  settings.write({ 'pool.en': { engine: 'fake', 'param.load_ms': 60000 } });
  upgrade(s);
  await s.says(/starting \S+stenopool to take over/);
  await s.until(() => s.processes().length > 0, 'it runs');
  await s.stop();
  settings.remove();
});

// It is held where its host is loading.
async function stopHeir(s) {
  const heir = await s.until(() => s.processes().find((pid) => {
    try {
      const parent = Number(fs.readFileSync(`/proc/${pid}/status`, 'utf8').match(/^PPid:\s+(\d+)/m)[1]); // our child is its watcher
      return parent !== s.child.pid && fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('stenopool\0serve');
    } catch {
      return false; // it ended while we looked
    }
  }), 'the new server runs');
  signal(heir, 'SIGSTOP');
  return heir;
}

test('hung-host: a new server that stands still is ended when it is late, and another one can take over', async () => {
  const settings = new Settings({ 'pool.en': { engine: 'fake' }, server: { handover_start_timeout_ms: 1500 } });
  await withHeirs(['-c', settings.file], async (s) => {
    settings.write({ 'pool.en': { engine: 'fake', 'param.load_ms': 60000 } });
    upgrade(s);
    const heir = await stopHeir(s);
    await s.says(/this server serves on: the new server was not ready within handover_start_timeout_ms 1500/);
    assert.ok(!alive(heir));
    settings.write({ 'pool.en': { engine: 'fake' } });
    await handOver(s);
    await s.left;
  });
  settings.remove();
});

test('hung-host: a new server that stands still does not outlive the one that started it', async () => {
  const settings = new Settings({ 'pool.en': { engine: 'fake' } });
  const s = await Server.start(['-c', settings.file]);
  settings.write({ 'pool.en': { engine: 'fake', 'param.load_ms': 60000 } });
  upgrade(s);
  await stopHeir(s);
  await s.stop();
  settings.remove();
});

// Starts the server as systemd does: with a socket at descriptor 3.
async function activated(more = {}) {
  const listener = net.createServer();
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address();
  const launch = (all, options) => {
    const child = spawn('sh', ['-c', 'export LISTEN_PID=$$; exec "$@"', 'sh', path.join(build, 'stenopool'), ...all],
      { ...options, stdio: ['ignore', 'pipe', 'pipe', listener._handle.fd], env: { ...process.env, LISTEN_FDS: '1', LISTEN_FDNAMES: 'x', ...more } });
    listener.close();
    return child;
  };
  return { port, launch };
}

test('a socket that is handed over takes the place of --listen, and goes on to the next server', async () => {
  const { port, launch } = await activated();
  await withHeirs(fake(), async (s) => {
    assert.equal(s.port, port);
    await s.says(/listening on http:\S+, which was handed to us/);
    const env = fs.readFileSync(`/proc/${(await s.pool()).host_pid}/environ`, 'utf8');
    assert.doesNotMatch(env, /LISTEN_/);
    await handOver(s);
    await s.left;
    assert.notEqual(await text(s), '');
  }, { launch });
});

test('a server whose socket systemd keeps closes it when it drains', async () => {
  const { launch } = await activated();
  await withHeirs(fake(), async (s) => {
    const c = await midUtterance(s);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    await s.get('/healthz', { agent });
    s.child.kill('SIGTERM');
    await s.says(/draining: 1 sessions/);
    const late = await s.get('/healthz').catch((e) => e.code); // nobody keeps the socket in this test
    assert.equal(late, 'ECONNREFUSED');
    s.status = async () => ({ pools: [] });
    assert.equal((await s.get('/readyz', { agent })).status, 503);
    agent.destroy();
    c.send({ type: 'commit' });
    await toldToMove(c);
  }, { launch });
});

test('a descriptor that is no listening socket is named', async () => {
  const child = spawn('sh', ['-c', 'export LISTEN_PID=$$; exec "$@"', 'sh', path.join(build, 'stenopool'), 'serve'],
    { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], env: { ...process.env, LISTEN_FDS: '1' } });
  let log = '';
  child.stderr.on('data', (d) => (log += d));
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(code, 2);
  assert.match(log, /descriptor 3 was handed to us \(LISTEN_FDS\) and is no listening TCP socket/);
});

for (const abstract of [false, true]) {
  test(`the service manager is told, at ${abstract ? 'an abstract name' : 'a path'}`, () => withManager(async (m) => {
    const launch = (all, options) => spawn(path.join(build, 'stenopool'), all,
      { ...options, env: { ...process.env, NOTIFY_SOCKET: m.name, WATCHDOG_USEC: '100000' } });
    await withHeirs(fake(), async (s) => {
      await m.hears(/^READY=1\|STATUS=serving$/m);
      await reload(s);
      await m.hears(/^RELOADING=1\|MONOTONIC_USEC=\d+\n(WATCHDOG=1\n)*READY=1$/m);
      const heir = await handOver(s);
      await m.hears(new RegExp(`^MAINPID=${heir}$`, 'm'));
      await s.left;
      assert.doesNotMatch(m.told, /STOPPING/);
      const before = m.times('WATCHDOG=1');
      await until(() => m.times('WATCHDOG=1') > before + 1, 'the heir, now the main process, tells that its loop turns');
      process.kill(heir, 'SIGTERM');
      s.status = async () => ({ pools: [] });
      await m.hears(/^STOPPING=1\|STATUS=draining 0 sessions$/m);
    }, { launch });
  }, { abstract }));
}
