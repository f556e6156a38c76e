// Keys files for a server, made by the command that people make them with.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { withServer, fake, run } from './server.mjs';

export const keys = (...args) => run(['keys', ...args]);
export const bearer = (key) => ({ headers: { Authorization: `Bearer ${key}` } });

// { sessions: 2 } or just a priority, as arguments of keys add and keys set.
export const flags = (options) =>
  Object.entries(typeof options === 'string' ? { priority: options } : options).flatMap(([k, v]) => [`--${k}`, `${v}`]);

// A keys file with these names and what each may: its path, and the keys by name.
let files = 0;
export async function keysFile(dir, names) {
  const file = path.join(dir, `keys-${files++}`);
  const secrets = {};
  for (const [name, options] of Object.entries(names)) {
    const r = await keys('add', name, ...flags(options), '--file', file);
    assert.equal(r.code, 0, r.stderr);
    secrets[name] = r.stdout.trim();
  }
  return { file, secrets };
}

// Runs body(server, secrets, file) with a server that has these keys, and looks for them in its log.
export async function withKeys(names, settings, body) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-keys-'));
  try {
    const { file, secrets } = await keysFile(dir, names);
    await withServer(fake({ 'server.keys_file': file, 'server.log_level': 'debug', ...settings }), async (s) => {
      await body(s, secrets, file);
      for (const secret of Object.values(secrets)) assert.ok(!s.log.includes(secret), 'a key is in the log');
    });
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
}
