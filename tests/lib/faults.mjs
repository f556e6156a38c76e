// What goes wrong, dealt from outside or by the audio, and what has to hold all the same.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { alive, signal as send } from './server.mjs';
import { heard } from './residue.mjs';

// A sanitizer would report the SIGSEGV we send as a fault of the program.
process.env.ASAN_OPTIONS = [process.env.ASAN_OPTIONS, 'handle_segv=0'].filter(Boolean).join(':');
// For a server that leaves behind what was never reaped, and what it knew of that: nobody has forgotten to free it.
export const leavesBehind = { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS}:detect_leaks=0` };

// To a process that may be stopped: it acts on the signal before it runs another instruction.
export function signal(pid, name) {
  return send(pid, name) && (name === 'SIGSTOP' || name === 'SIGKILL' || send(pid, 'SIGCONT'));
}

export const sessionOf = (c) => c.all('ready')[0].session;

export async function instanceWhere(s, is, what) {
  return s.until(async () => (await s.pool()).instances.find((i) => i.pid > 0 && is(i)), `an instance is ${what}`);
}
export const instanceIn = (s, state) => instanceWhere(s, (i) => i.state === state, state);
export const instanceOf = (s, c) =>
  instanceWhere(s, (i) => i.state === 'leased' && i.session === sessionOf(c), `leased by session ${sessionOf(c)}`);
export const gone = (s, i) =>
  s.until(async () => !alive(i.pid) && !(await s.pool()).instances.some((x) => x.id === i.id), `instance ${i.id} is gone`);

// The counters of one pool and of the server that tell of faults.
export async function losses(s) {
  const m = await s.metrics();
  const pool = (name) => m[`pool_${name}_total{pool="en"}`];
  return {
    lost: pool('instances_lost'), stuck: pool('instances_stuck'), oversized: pool('instances_oversized'), worn: pool('instances_worn'),
    broken: pool('protocol_errors'), utterances: m.utterances_lost_total, recovered: m.utterances_recovered_total,
    failed: m.utterances_failed_total, poisonous: m.utterances_poisonous_total,
  };
}
export const none = { lost: 0, stuck: 0, oversized: 0, worn: 0, broken: 0, utterances: 0, recovered: 0, failed: 0, poisonous: 0 };

// Text, words, times and confidences as in the undisturbed run, each utterance once, and no error.
export function assertUndisturbed(c, expected) {
  assert.deepEqual(heard(c), expected);
  assert.equal(new Set(c.finals.map((f) => f.utterance)).size, c.finals.length);
  assert.deepEqual(c.all('error'), []);
}

// Who is traced is reaped by the tracer first, which takes its time.
const TRACER = `
import ctypes, sys, time
ptrace = ctypes.CDLL(None, use_errno=True).ptrace
if ptrace(0x4206, int(sys.argv[1]), 0, 0) != 0: sys.exit('no')
print('yes', flush=True)
time.sleep(3600)
`;
// Resolves with the tracer of a process, to be killed in the end; null: a process may not be traced here.
export function trace(pid) {
  const tracer = spawn('python3', ['-c', TRACER, String(pid)]);
  return new Promise((resolve) => {
    tracer.stdout.on('data', () => resolve(tracer));
    tracer.on('exit', () => resolve(null));
    tracer.on('error', () => resolve(null));
  });
}
