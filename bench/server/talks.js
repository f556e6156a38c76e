// People who talk, for measurements of places that are shared and of instances that die: clients of the native protocol with
// a pause behind each sentence.
'use strict';
const path = require('path');
const { BUILD, ROOT, BenchError, get } = require('./processes.js');

const FRAME_MS = 20;
process.env.STENOPOOL_BUILD ??= BUILD; // which the library looks at
const library = (name) => import(path.join(ROOT, 'tests', 'lib', name));

function addressOf(server) {
  const { hostname, port } = new URL(server.http);
  return { host: hostname, port: Number(port), address: `${hostname}:${port}` };
}

async function connect(server, fields) {
  const { Client } = await library('client.mjs');
  const c = await Client.start(addressOf(server), { endpointing: 'manual', ...fields });
  await c.event('ready');
  return c;
}

// Sends samples at the pace of speech; resolves when the last frame is sent.
function sayLive(c, samples) {
  const per = 16 * FRAME_MS;
  const begun = performance.now();
  let at = 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(samples.length, Math.floor((performance.now() - begun) / FRAME_MS) * per);
      if (due > at) c.audio(samples.subarray(at, due), { chunk: 2 * per });
      at = Math.max(at, due);
      if (at < samples.length && !c.closed) return;
      clearInterval(timer);
      resolve();
    }, FRAME_MS / 2);
  });
}

// A session of sentences; pauses[i] ms of silence behind each. Finals, and for each how long it came behind its commit.
async function talk(server, sentences, { pauses, delayMs }) {
  const c = await connect(server, { partials: false });
  const delays = [];
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  for (const [i, samples] of sentences.entries()) {
    await sayLive(c, samples);
    c.send({ type: 'commit' });
    const committed = performance.now();
    c.event('final', i).then(() => delays.push(performance.now() - committed), () => {});
    await new Promise((resolve) => setTimeout(resolve, pauses[i]));
  }
  await c.finish();
  const failed = c.all('error');
  if (failed.length > 0) throw new BenchError(failed[0].message);
  return { delays, finals: c.finals.map(({ instance, ...f }) => f) };
}

async function status(server) {
  return JSON.parse((await get(server.http + '/v1/status')).body);
}

// The instance that is at work for somebody.
async function atWork(server) {
  for (;;) {
    const at = (await status(server)).pools[0].instances.find((i) => i.state === 'leased' && i.uses > 0 && i.pid > 0);
    if (at) return at;
  }
}

module.exports = { atWork, connect, library, sayLive, status, talk };
