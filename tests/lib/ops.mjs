// What the tests of draining, reloading and upgrading share.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client } from './client.mjs';
import { babble } from './speech.mjs';

export const sound = babble(800);
export const manual = { endpointing: 'manual' };

// A session whose utterance has begun and not ended.
export async function midUtterance(s, fields = {}) {
  const c = await Client.start(s, { ...manual, ...fields });
  await c.event('ready');
  c.audio(sound);
  await c.event('speech_start');
  await s.until(async () => {
    const id = c.all('ready')[0].session;
    const open = (await s.status()).sessions.find((x) => x.id === id);
    return open && (await s.pool()).instances.some((i) => i.session === id && i.uses > 0);
  }, 'the utterance has begun');
  return c;
}

export const terminate = (s) => s.child.kill('SIGTERM');

// The client was told that the server is going, and when to come again.
export async function toldToMove(c, { retryAfterMs = 1000 } = {}) {
  assert.equal((await c.end()).code, 1012);
  const error = c.events.at(-1);
  assert.deepEqual([error.type, error.code, error.retry_after_ms], ['error', 'restarting', retryAfterMs]);
}

export async function leftWell(s) {
  assert.deepEqual(await s.exited, { code: 0, signal: null }, s.log);
}

// A file of settings, { 'pool.en': { max: 2 }, ... }, that a test may write again.
export class Settings {
  constructor(sections) {
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-settings-'));
    fs.chmodSync(this.dir, 0o755); // its models are read by hosts, which are not root's where the server is
    this.file = path.join(this.dir, 'stenopool.conf');
    this.write(sections);
  }
  write(sections) {
    const text = Object.entries(sections).map(([name, settings]) =>
      `[${name.replace('.', ' ')}]\n` + Object.entries(settings).map(([k, v]) => `${k} = ${v}\n`).join('')).join('');
    fs.writeFileSync(this.file, text);
  }
  remove() {
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

// SIGHUP, and until it has been carried out.
export async function reload(s, { failed = false } = {}) {
  const name = failed ? 'config_reloads_failed_total' : 'config_reloads_total';
  const before = (await s.metrics())[name];
  s.child.kill('SIGHUP');
  await s.untilMetric(name, before + 1);
}
