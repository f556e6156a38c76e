// Many sessions keep the ear's threads busy at once; a build with ThreadSanitizer watches them.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { withServer, fake } from './lib/server.mjs';
import { dictate, Client } from './lib/client.mjs';
import { babble, fault, join, silence } from './lib/speech.mjs';

const CLIENTS = 12;

test('sessions that use the ear at the same time do not disturb each other', async () => {
  await withServer(fake({ 'pool.en.max': CLIENTS, 'server.ear_threads': 4 }), async (s) => {
    const sounds = Array.from({ length: CLIENTS }, (_, i) => join(silence(300), babble(1500, i + 1), silence(1200), babble(900, i + 5)));
    const hear = async (sound, i) => (await dictate(s, sound, {}, { chunk: 320 + 64 * i })).finals.map((f) => f.words);
    const alone = [];
    for (const [i, sound] of sounds.entries()) alone.push(await hear(sound, i));
    const together = await Promise.all(sounds.map(hear));
    assert.deepEqual(together, alone);
    assert.ok(alone.every((finals) => finals.length >= 1 && finals[0].length >= 1));
  });
});

test('a session that is closed while its ear is at work does no harm', async () => {
  await withServer(fake({ 'pool.en.max': CLIENTS, 'server.ear_threads': 4 }), async (s) => {
    const sound = babble(3000);
    await Promise.all(
      Array.from({ length: 5 * CLIENTS }, async (_, i) => {
        const c = await Client.start(s, { sample_rate: i % 2 ? 8000 : 16000 });
        await c.until(() => c.events.length > 0, 'ready or queued');
        c.audio(sound, { chunk: 3200 });
        c.vanish();
      }),
    );
    await s.checkSums();
  });
});

test('audio that is kept for a look into it is written by a thread, while others use the ear', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-threads-'));
  // Partials come so rarely that nothing is stable, which would be told as an incomplete final.
  await withServer(fake({ 'pool.en.max': CLIENTS, 'server.ear_threads': 4, 'server.poison_dir': dir, 'server.partial_interval_ms': 10000 }), async (s) => {
    await Promise.all(Array.from({ length: CLIENTS }, async (_, i) => {
      const c = await Client.start(s, { endpointing: 'manual' });
      c.audio(join(babble(900, i), fault('crash'), babble(900, i + 20)));
      await c.event('error');
      c.send({ type: 'commit' });
      c.audio(babble(700, i));
      await c.finish();
      assert.equal(c.finals.length, 1);
    }));
    await s.until(() => s.log.split('\n').filter((l) => /kept .*\.wav/.test(l)).length === CLIENTS, 'all are kept');
    assert.equal(fs.readdirSync(dir).length, CLIENTS);
  });
  fs.rmSync(dir, { recursive: true });
});
