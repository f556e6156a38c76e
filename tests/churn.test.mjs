// A thousand sessions come and go. Under AddressSanitizer the server's end shows that none left memory behind; in
// every build its descriptors and processes are counted.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { withServer, fake } from './lib/server.mjs';
import { babble } from './lib/speech.mjs';
import { ways } from './lib/ways.mjs';

const SESSIONS = 1000;
const AT_ONCE = 8;

test('a thousand sessions, however they end, leave nothing behind', async () => {
  await withServer(fake({ 'pool.en.max': 4, 'pool.en.queue_max': 100 }), async (s) => {
    const sound = babble(600);
    // An instance is a process with three descriptors; how many wait idle is the pool's business.
    const rest = async () => {
      const { instances } = await s.pool();
      const fds = fs.readdirSync(`/proc/${s.child.pid}/fd`).length;
      return { fds: fds - 3 * instances.length, processes: s.processes().length - instances.length };
    };
    for (const way of ways) await way(s, sound);
    await s.checkSums();
    const before = await s.until(async () => (await rest()).processes === 1 && (await rest()), 'only the host is left');
    let next = 0;
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (next < SESSIONS) await ways[next++ % ways.length](s, sound);
      }),
    );
    await s.checkSums();
    await s.until(async () => isDeepStrictEqual(await rest(), before), `what is left is ${JSON.stringify(before)} again`);
    const m = await s.metrics();
    assert.equal(m.sessions_opened_total, m.sessions_closed_total);
    assert.ok(m.sessions_opened_total >= SESSIONS / 2);
    await s.untilMetric('connections', 1); // the one that asks
  });
});
