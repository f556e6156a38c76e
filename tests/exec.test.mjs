// Programs as engines: the example of contrib/python hears as any other engine does.
import test from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { root, set, withServer } from './lib/server.mjs';
import { dictate } from './lib/client.mjs';
import { babble } from './lib/speech.mjs';

const example = path.join(root, 'contrib/python/example_engine.py');
const settings = (command, more = {}) => set({ 'vad.vad': 'statistical', 'pool.en.engine': 'exec', 'pool.en.max': 2, 'pool.en.param.command': command, ...more });

test('the example hears, and tells words with their times', async () => {
  await withServer(settings(`python3 ${example}`), async (server) => {
    const c = await dictate(server, babble(1000), { endpointing: 'manual' });
    assert.deepEqual(c.finals[0].words.map((w) => w.start_ms), [0, 200, 400, 600, 800]);
    const { engine, model } = c.all('ready')[0];
    assert.deepEqual({ engine, model }, { engine: 'loudness', model: 'ten words' });
  });
});
