// Other people's clients for Python, each in a virtual environment of its own (tools/install-clients): unmodified, pinned by
// tests/clients/NAME.txt. The programs that drive them are tests/clients/*.py.
import fs from 'node:fs';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { root } from './server.mjs';
import { deadline } from './wait.mjs';

// { python, skip }: the environment's interpreter, and false or why there is none.
export function clientPython(name) {
  const env = path.join(root, 'build/clients', name);
  const pinned = path.join(root, 'tests/clients', `${name}.txt`);
  const read = (file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : null);
  if (read(path.join(env, '.installed.txt')) === fs.readFileSync(pinned, 'utf8')) return { python: path.join(env, 'bin/python'), skip: false };
  return { python: null, skip: read(`${env}.why`)?.trim() ?? `Python's ${name} is not installed (tools/install-clients)` };
}

// Runs a program to its end: { code, out, err }.
export async function runProgram(program, args, options = {}) {
  const child = spawn(program, args.map(String), { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const said = { out: '', err: '' };
  child.stdout.on('data', (d) => (said.out += d));
  child.stderr.on('data', (d) => (said.err += d));
  try {
    const code = await deadline(new Promise((resolve, reject) => child.on('error', reject).on('close', resolve)), () => `${program} ${args[0]} to end; it said ${said.out}${said.err}`);
    return { code, ...said };
  } finally {
    child.kill('SIGKILL');
  }
}

// The same for tests/clients/NAME with the client's interpreter.
export const runClient = (python, name, args = [], options = {}) => runProgram(python, [path.join(root, 'tests/clients', name), ...args], options);
