// Models for tests. Those of the catalogue are there or not (tools/install-models); a test that needs one asks, and is skipped.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { build, program } from './server.mjs';

// Where the model of that name is, or null.
export function modelPath(name) {
  const r = spawnSync(program, ['models', 'path', name], { encoding: 'utf8' });
  return r.status === 0 ? r.stdout.trim() : null;
}
// For a test's options: { skip: needs('tiny.en') }
export const needs = (name) => (modelPath(name) ? false : `${name} is not here; tools/install-models gets it, if it can`);

// False when each of these models of Whisper can be used here, else why not.
export function noWhisper(...names) {
  const engines = spawnSync(path.join(build, 'stenopool-host'), ['--engines'], { encoding: 'utf8' }).stdout;
  if (!/^engine whisper$/m.test(engines)) return 'this build has no Whisper (tools/get-whisper)';
  return names.map(needs).find(Boolean) ?? false;
}

// The same of a model of Vosk and the library that hears with it.
export function noVosk(name) {
  const places = ['/var/lib/stenopool/lib/libvosk.so', path.join(process.env.XDG_DATA_HOME ?? path.join(os.homedir(), '.local/share'), 'stenopool/lib/libvosk.so')];
  return places.some((p) => fs.existsSync(p)) ? needs(name) : 'libvosk is not here (tools/get-vosk)';
}

// `stenopool models` with the catalogue of tests/models/models_small.c, whose models a test can make.
export const small = path.join(build, 'tests/models/models_small');
// Started; { child, done: { code, stdout, stderr }, says(words) }
export function start(args, env = {}, bin = small) {
  const child = spawn(bin, args, { env: { ...process.env, ...env } });
  const r = { child, stdout: '', stderr: '' };
  const waiting = new Set();
  child.stdout.on('data', (d) => (r.stdout += d));
  child.stderr.on('data', (d) => {
    r.stderr += d;
    for (const look of waiting) look();
  });
  r.done = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, stdout: r.stdout, stderr: r.stderr })));
  r.says = (words) => new Promise((resolve, reject) => {
    const look = () => words.test(r.stderr) && (waiting.delete(look), resolve());
    waiting.add(look);
    r.done.then(() => reject(new Error(`it never said ${words}: ${r.stderr}`)));
    look();
  });
  return r;
}

export const smallBytes = Buffer.alloc(300000);
for (let i = 0; i < smallBytes.length; i++) smallBytes[i] = ((i * i * 7) + (i >> 8)) & 255;

// A mirror: answer(req, res, n) has the n-th request. { url, requests: [range or undefined], close }
export async function mirror(answer) {
  const requests = [];
  const server = http.createServer((req, res) => {
    requests.push(req.headers.range);
    answer(req, res, requests.length);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/m`,
    requests,
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  };
}
// What a server that knows ranges answers with these bytes.
export function send(req, res, bytes = smallBytes) {
  const m = /^bytes=(\d+)-$/.exec(req.headers.range ?? '');
  if (m && Number(m[1]) >= bytes.length) return void res.writeHead(416).end();
  const from = m ? Number(m[1]) : 0;
  const range = m ? { 'Content-Range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
  res.writeHead(m ? 206 : 200, { 'Content-Length': bytes.length - from, ...range });
  res.end(bytes.subarray(from));
}
