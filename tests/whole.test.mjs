// The files whose tests deal faults to the fake engine, once more with the one that decodes whole: what they expect is the same.
// (Where a file tests with both by itself, lib/fakes.mjs does that.)
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { root } from './lib/server.mjs';

const FILES = ['hung', 'inject', 'lost', 'slow', 'stopped', 'threads'];

function run(name) {
  const env = { ...process.env, STENOPOOL_FAKE: 'fake_whole' };
  delete env.NODE_TEST_CONTEXT; // else it would take itself for a part of this one
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', path.join(root, 'tests', `${name}.test.mjs`)], { env });
  let said = '';
  child.stdout.on('data', (d) => (said += d));
  child.stderr.on('data', (d) => (said += d));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, said })));
}

for (const name of FILES) {
  test(`${name}, with an engine that decodes whole`, async () => {
    const { code, said } = await run(name);
    assert.equal(code, 0, said);
    assert.ok(Number(said.match(/^# pass (\d+)$/m)[1]) > 0, said);
  });
}
