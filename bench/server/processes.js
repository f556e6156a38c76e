// Programs that a benchmark runs: servers, which are stopped whatever happens, and measuring programs, which print JSON.
'use strict';

const { execFileSync, spawn, spawnSync } = require('child_process');
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const readline = require('readline');

const ROOT = path.resolve(__dirname, '..', '..');
const BUILD = path.resolve(ROOT, process.env.BENCH_BUILD || 'build-bench');
const WARMUP = path.join(ROOT, 'data', 'warmup.wav');
const CORES = os.cpus().length;
const READY_DEADLINE_MS = 60000;
const STOP_DEADLINE_MS = 10000;

const children = new Set();

class BenchError extends Error {}

// Not optimised is not worth measuring; the asserts stay, as they do in a release.
function build() {
  if (!fs.existsSync(path.join(BUILD, 'build.ninja')))
    execFileSync('meson', ['setup', BUILD, ROOT, '--buildtype=release', '-Db_ndebug=false'], { stdio: 'ignore' });
  const targets = ['stenopool', 'stenopool-host', 'warmup.wav', 'bench/server/server_load', 'bench/server/engine_direct',
    'bench/vad/vad_bench', 'bench/host/host_bench', 'bench/pool/pool_bench'];
  const ninja = spawnSync('ninja', ['-C', BUILD, ...targets], { encoding: 'utf8' });
  if (ninja.status !== 0) throw new BenchError(`the build failed:\n${ninja.stdout.slice(-3000)}`);
}

// core: -1 for any.
function start(core, program, args, stdio, env = process.env) {
  const pinned = core < 0 ? [program, args] : ['taskset', ['-c', String(core), program, ...args]];
  const child = spawn(...pinned, { stdio, env });
  children.add(child);
  child.ended = new Promise((resolve) => {
    child.on('error', (e) => resolve(e.message));
    child.on('close', (code, signal) => resolve(signal || `exit code ${code}`));
  }).then((how) => { children.delete(child); return how; });
  return child;
}

function get(url) {
  return new Promise((resolve, reject) => {
    http.get(url, (r) => {
      let body = '';
      r.on('data', (d) => { body += d; });
      r.on('end', () => resolve({ status: r.statusCode, body }));
    }).on('error', reject);
  });
}

async function until(what, condition) {
  const deadline = Date.now() + READY_DEADLINE_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new BenchError(`${what} did not come to be within ${READY_DEADLINE_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function childrenOf(pid) {
  const list = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return list === '' ? [] : list.split(' ').map(Number);
}

// CPU seconds of a process, and of its children that are gone.
function cpuOf(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

// The process and all that came of it and is alive.
function familyOf(pid) {
  return [pid, ...childrenOf(pid).flatMap(familyOf)];
}

// What they have of memory, what is shared in equal parts: MB.
function pssOf(pids) {
  const kb = (pid) => Number(/^Pss: +(\d+) kB/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]);
  return pids.reduce((sum, pid) => sum + kb(pid), 0) / 1024;
}

class Server {
  // settings: { 'pool.en.max': 2, ... }; listen: protocols that get a listener of their own, whose port is in `ports`
  static async start(settings, core = -1, listen = []) {
    const s = new Server();
    const args = ['serve', '--listen', '127.0.0.1:0', '--set', 'server.log_level=error'];
    for (const protocol of listen) args.push('--listen', `${protocol}=127.0.0.1:0`);
    s.ports = {};
    for (const [key, value] of Object.entries(settings)) args.push('--set', `${key}=${value}`);
    s.log = fs.openSync(path.join(os.tmpdir(), `stenopool-bench-${process.pid}.log`), 'w+');
    s.child = start(core, path.join(BUILD, 'stenopool'), args, ['ignore', 'pipe', s.log]);
    const ended = s.child.ended.then((how) => { throw new BenchError(`the server ended (${how}): ${s.lastWords()}`); });
    ended.catch(() => {}); // when it ends at our wish nobody waits for this
    s.http = await Promise.race([ended, new Promise((resolve) => {
      readline.createInterface({ input: s.child.stdout }).on('line', (line) => {
        const m = /^stenopool: listening on (http:\/\/\S+)$/.exec(line);
        if (m) resolve(m[1]);
        const own = /listening for (\S+) on \S+:(\d+)$/.exec(line);
        if (own) s.ports[own[1]] = Number(own[2]);
      });
    })]);
    s.url = s.http.replace('http:', 'ws:') + '/v1/stream';
    s.pid = s.child.pid;
    await Promise.race([ended, until('readiness', async () => (await get(s.http + '/readyz')).status === 200)]);
    return s;
  }

  lastWords() {
    return fs.readFileSync(`/proc/self/fd/${this.log}`, 'utf8').trim().split('\n').slice(-3).join(' / ');
  }

  // The hosts, to a core where they run when nobody else wants to; what they fork inherits both.
  moveHosts(core) {
    for (const pid of childrenOf(this.pid)) {
      execFileSync('taskset', ['-pc', String(core), String(pid)], { stdio: 'ignore' });
      execFileSync('chrt', ['-i', '-p', '0', String(pid)], { stdio: 'ignore' });
    }
  }

  // Of the server, its hosts, and the instances that are gone.
  cpu() {
    return childrenOf(this.pid).reduce((sum, pid) => sum + cpuOf(pid), cpuOf(this.pid));
  }

  async metrics() {
    return (await get(this.http + '/metrics')).body;
  }

  async stop() {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_DEADLINE_MS);
    this.child.kill('SIGTERM');
    await this.child.ended;
    clearTimeout(timer);
    fs.closeSync(this.log);
  }
}

// The JSON that a measuring program prints.
async function measure(core, program, args) {
  const child = start(core, path.join(BUILD, program), args.map(String), ['ignore', 'pipe', 'inherit']);
  let out = '';
  child.stdout.on('data', (d) => { out += d; });
  const how = await child.ended;
  if (how !== 'exit code 0' && out === '') throw new BenchError(`${program} ended: ${how}`);
  return JSON.parse(out);
}

// A measuring program that answers each line with a line of JSON; the first answer comes unasked.
class Asked {
  // program: of the build, or any by its whole path
  constructor(program, args, core = -1, env = process.env) {
    this.child = start(core, path.resolve(BUILD, program), args.map(String), ['pipe', 'pipe', 'inherit'], env);
    this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async answer() {
    const { value, done } = await this.lines.next();
    if (done) throw new BenchError('a measuring program ended too early');
    return JSON.parse(value);
  }

  ask() {
    this.child.stdin.write('\n');
    return this.answer();
  }

  cpu() {
    return childrenOf(this.child.pid).reduce((sum, pid) => sum + cpuOf(pid), 0);
  }

  async stop() {
    this.child.stdin.end();
    await this.child.ended;
  }
}

// Runs a measuring program whose table is for people; shows it and returns it.
async function show(program, args) {
  const child = start(-1, path.join(BUILD, program), args.map(String), ['ignore', 'pipe', 'inherit']);
  let out = '';
  child.stdout.on('data', (d) => { out += d; process.stdout.write(d); });
  const how = await child.ended;
  if (how !== 'exit code 0') throw new BenchError(`${program} ended: ${how}`);
  return out;
}

function killAll() {
  for (const child of children) child.kill('SIGKILL');
}

module.exports = { Asked, BUILD, BenchError, CORES, ROOT, Server, WARMUP, build, childrenOf, cpuOf, familyOf, get, killAll, measure, pssOf,
  show, start, until };
