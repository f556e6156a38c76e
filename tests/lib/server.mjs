// A real server for a test: its own port, its own directory, its processes counted when it stops.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import assert from 'node:assert/strict';
import { deadline, until } from './wait.mjs';

export const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
export const build = process.env.STENOPOOL_BUILD || path.join(root, 'build');
// Of the build, which has a malloc of its own that keeps what was freed; '': none.
export const sanitizer = (() => {
  const options = JSON.parse(fs.readFileSync(path.join(build, 'meson-info/intro-buildoptions.json'), 'utf8'));
  const value = String(options.find((o) => o.name === 'b_sanitize').value);
  return value === 'none' ? '' : value;
})();
export const program = path.join(build, 'stenopool');

// Settings of a pool of the fake engine; tests name what they change. STENOPOOL_FAKE: the one that is meant (tests/whole.test.mjs).
// What it takes for words is no speech to a network that has heard people.
export const fake = (more = {}) => set({ 'vad.vad': 'statistical', 'pool.en.engine': process.env.STENOPOOL_FAKE ?? 'fake', 'pool.en.max': 2, ...more });
// What a test sets for fake, in the other one's words.
const WHOLE = { 'pool.en.param.slow': 'pool.en.param.decode_factor' };
export const set = (settings) => Object.entries(settings).flatMap(([k, v]) =>
  ['--set', `${settings['pool.en.engine'] === 'fake_whole' ? WHOLE[k] ?? k : k}=${v}`]);

function descendants(pid) {
  const parents = new Map();
  for (const name of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = fs.readFileSync(`/proc/${name}/stat`, 'utf8');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // it ended while we looked
    }
  }
  const found = [];
  for (const start of parents.keys()) {
    for (let at = parents.get(start); at > 1; at = parents.get(at)) {
      if (at === pid) {
        found.push(start);
        break;
      }
    }
  }
  return found;
}

export const alive = (pid) => fs.existsSync(`/proc/${pid}`);

// Whether the process was there to get it: one that is ended meanwhile is gone as it should be.
export function signal(pid, name) {
  try {
    process.kill(pid, name);
    return true;
  } catch (e) {
    if (e.code !== 'ESRCH') throw e;
    return false;
  }
}

// Whose ears hear where a test names no engine: those that every machine has, PocketSphinx and the statistical detector; or with
// STENOPOOL_TEST_EARS=whisper those of the models on this machine.
export const ears = process.env.STENOPOOL_TEST_EARS || 'pocketsphinx';
const store = ears === 'whisper' ? {} : { STENOPOOL_MODELS: '/nowhere' };
// For tests that are about models, whatever the ears: the place of this machine's.
export const ownStore = { STENOPOOL_MODELS: process.env.STENOPOOL_MODELS ?? '' };

export class Server {
  static async start(args = [], { ready = true, env = {}, launch = (all, options) => spawn(program, all, options) } = {}) {
    const s = new Server();
    s.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-test-'));
    fs.chmodSync(s.dir, 0o777); // for hosts too, which are not root's where the server is
    s.log = '';
    s.child = launch(['serve', '--listen', '127.0.0.1:0', ...args], { cwd: s.dir, env: { ...process.env, ...store, ...env } });
    s.left = new Promise((resolve) => s.child.on('exit', (code, signal) => resolve({ code, signal }))); // its children may hold the log
    s.exited = new Promise((resolve) => s.child.on('close', (code, signal) => resolve({ code, signal })));
    let out = '';
    s.child.stderr.on('data', (d) => (s.log += d));
    const address = new Promise((resolve) => {
      s.child.stdout.on('data', (d) => {
        out += d;
        const m = out.match(/listening on http:\/\/(\S+)/);
        if (m) resolve(m[1]);
      });
    });
    try {
      s.address = await deadline(
        Promise.race([address, s.exited.then((e) => assert.fail(`server left with ${JSON.stringify(e)}: ${s.log}`))]),
        () => `the server to listen: ${s.log}`,
      );
      s.port = Number(s.address.split(':').pop());
      // The ports of protocols with listeners of their own: those are said after the first, in the same breath.
      await s.until(() => out.endsWith('\n'), 'the server has said where it listens');
      s.ports = Object.fromEntries([...out.matchAll(/listening for (\S+) on \w+:\/\/\S*:(\d+)/g)].map(([, name, port]) => [name, Number(port)]));
      if (ready) await s.until(async () => (await s.get('/readyz')).status === 200, 'the server is ready');
    } catch (e) {
      s.child.kill('SIGKILL');
      fs.rmSync(s.dir, { recursive: true, force: true });
      throw e;
    }
    return s;
  }

  until(ask, what) {
    return until(ask, what).catch((e) => {
      throw new Error(`${e.message}; the log: ${this.log}`);
    });
  }

  // The log is another pipe than the sockets, so what a client has seen may not be in it yet.
  says(words) {
    return this.until(() => this.log.match(words), `the log says ${words}`);
  }

  get(pathname, options = {}) {
    return new Promise((resolve, reject) => {
      const req = http.request({ host: '127.0.0.1', port: this.port, path: pathname, agent: false, ...options }, (res) => {
        let body = '';
        res.on('data', (d) => (body += d));
        res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, body }));
      });
      req.on('error', reject);
      req.end();
    });
  }

  async status() {
    return JSON.parse((await this.get('/v1/status')).body);
  }

  async pool(name = 'en') {
    return (await this.status()).pools.find((p) => p.name === name);
  }

  // { name: value, 'name{labels}': value }
  async metrics() {
    const values = {};
    for (const line of (await this.get('/metrics')).body.split('\n')) {
      const m = line.match(/^stenopool_(\S+) (\S+)$/);
      if (m) values[m[1]] = Number(m[2]);
    }
    return values;
  }

  untilMetric(name, value) {
    return this.until(async () => {
      const all = await this.metrics();
      assert.ok(name in all, `there is no metric ${name}`);
      return all[name] === value;
    }, `${name} is ${value}`);
  }

  processes() {
    return descendants(this.child.pid);
  }

  // Everything that has begun has ended, and what is left is idle.
  async checkSums() {
    const settled = await this.until(async () => {
      const status = await this.status();
      const quiet = status.sessions.length === 0 && status.pools.every((p) => p.counts.leased === 0 && p.counts.retiring === 0);
      return quiet && status;
    }, 'all sessions are closed and all used instances are gone');
    for (const [name, sum] of Object.entries(settled.sums)) {
      assert.equal(sum.balanced, true, `sum of ${name}: ${JSON.stringify(sum)}`);
    }
    assert.equal(settled.sums.utterances.open, 0);
    assert.equal(settled.sums.leases.open, 0);
    assert.equal(settled.sums.sessions.open, 0);
    const m = await this.metrics();
    for (const { name } of settled.pools) {
      assert.equal(m[`pool_utterances_begun_total{pool="${name}"}`], m[`pool_utterances_ended_total{pool="${name}"}`]);
      assert.equal(m[`pool_leases_granted_total{pool="${name}"}`], m[`pool_leases_ended_total{pool="${name}"}`]);
    }
    return settled;
  }

  // After a test that failed.
  abandon() {
    this.stopped = true;
    this.child.kill('SIGKILL');
    fs.rmSync(this.dir, { recursive: true, force: true });
  }

  // SIGTERM; then nothing of it may be left, zombies included.
  async stop({ sums = true } = {}) {
    if (this.stopped) return;
    this.stopped = true;
    try {
      if (sums && this.child.exitCode === null) await this.checkSums();
    } finally {
      const family = [this.child.pid, ...this.processes()];
      this.child.kill('SIGTERM');
      const { code, signal } = await deadline(this.exited, () => `the server to leave: ${this.log}`).catch((e) => {
        this.child.kill('SIGKILL');
        throw e;
      });
      fs.rmSync(this.dir, { recursive: true, force: true });
      assert.deepEqual({ code, signal }, { code: 0, signal: null }, `the server left badly: ${this.log}`);
      assert.ok(!/Sanitizer|runtime error/.test(this.log), this.log);
      await until(() => family.every((pid) => !alive(pid)), `no process of ${family} is left`);
    }
  }
}

// Runs `body` with a server, and stops it whatever happens.
export async function withServer(args, body, options) {
  const server = await Server.start(args, options);
  try {
    await body(server);
  } catch (e) {
    server.stopped = true;
    const family = server.processes(); // one that is stopped would not notice that its server is gone
    server.child.kill('SIGKILL');
    for (const pid of family) signal(pid, 'SIGKILL');
    await server.exited;
    fs.rmSync(server.dir, { recursive: true, force: true });
    e.message += `\n--- the server's log ---\n${server.log}`;
    throw e;
  }
  await server.stop(options);
}

// Runs the program to its end.
export function run(args, { input, env = {} } = {}) {
  const child = spawn(program, args, { env: { ...process.env, ...store, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (d) => (stdout += d));
  child.stderr.on('data', (d) => (stderr += d));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const done = new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
  return deadline(done, () => `${args.join(' ')} to end: ${stderr}`).finally(() => child.kill('SIGKILL'));
}
