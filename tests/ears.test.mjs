// The files whose tests hear with the ears that every machine has, once more with the best: Whisper and Silero VAD. What they expect is
// the same. In `make test` the ones where most can go wrong; all of them with STENOPOOL_TEST_LONG=1 (tools/check).
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { ears, ownStore, root } from './lib/server.mjs';
import { needs, noWhisper } from './lib/models.mjs';
import { long } from './lib/whisper.mjs';

const FILES = ['speech', 'residue', 'protocols', 'lost'];
const MORE = ['slices', 'share', 'health', 'pool', 'vosk', 'wyoming', 'sherpa', 'sherpa_offline', 'twilio', 'deepgram', 'deepgram_prerecorded', 'openai',
  'openai_realtime', 'whisperlive', 'realtimestt', 'realtimestt_fastapi', 'containers', 'page', 'whisperlive_client', 'openai_clients', 'openai_sdk',
  'deepgram_sdk', 'deepgram_python', 'other_clients', 'python_clients'];
const skip = (ears === 'whisper' && 'all tests hear with Whisper already') || noWhisper('tiny.en') || needs('silero-v6.2');

function run(name) {
  const env = { ...process.env, ...ownStore, STENOPOOL_TEST_EARS: 'whisper' };
  delete env.NODE_TEST_CONTEXT; // else it would take itself for a part of this one
  const pattern = name === 'lost' ? ['--test-name-pattern=kill a second'] : []; // the rest of it is about the fake engines
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', ...pattern, path.join(root, 'tests', `${name}.test.mjs`)], { env });
  let said = '';
  child.stdout.on('data', (d) => (said += d));
  child.stderr.on('data', (d) => (said += d));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, said })));
}

for (const name of long ? [...FILES, ...MORE] : FILES) {
  test(`${name}, heard by Whisper`, { skip }, async (t) => {
    const { code, said } = await run(name);
    assert.equal(code, 0, said);
    const [passed, skipped] = ['pass', 'skipped'].map((what) => Number(said.match(new RegExp(`^# ${what} (\\d+)$`, 'm'))[1]));
    assert.ok(passed > 0 || skipped > 0, said);
    t.diagnostic(`${passed} passed, ${skipped} skipped`);
  });
}
