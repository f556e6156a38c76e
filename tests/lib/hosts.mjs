// Hosts made for tests (fake_host.py), which do wrong, or otherwise, what they are told to.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { build, fake, program, root, withServer } from './server.mjs';

// The program beside a host of our own, which is the real one after `lives`.
export async function withFakeHost(wrong, lives, settings, body) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-hung-'));
  fs.chmodSync(dir, 0o755);
  for (const [from, name] of [[program, 'stenopool'], [path.join(build, 'warmup.wav'), 'warmup.wav'], [path.join(root, 'tests/lib/fake_host.py'), 'stenopool-host']]) {
    if (!fs.existsSync(from)) continue;
    fs.copyFileSync(from, path.join(dir, name));
    fs.chmodSync(path.join(dir, name), name.endsWith('.wav') ? 0o644 : 0o755);
  }
  const env = { FAKE_HOST_REAL: path.join(build, 'stenopool-host'), FAKE_HOST_LIVES: path.join(dir, 'lives') };
  const launch = (all, options) => spawn(path.join(dir, 'stenopool'), all, options);
  const args = fake({ 'pool.en.param.wrong': wrong, 'pool.en.param.lives': lives, 'pool.en.backoff_min_ms': 1, ...settings });
  try {
    await withServer(args, body, { env, launch, ready: false });
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}
