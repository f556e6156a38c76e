// A small chaos: make chaos is the large one.
import test from 'node:test';
import assert from 'node:assert/strict';
import { withServer } from './lib/server.mjs';
import { fakes } from './lib/fakes.mjs';
import { babble } from './lib/speech.mjs';
import { disturbed, emptyReport, randomFrom, undisturbed } from './lib/chaos.mjs';

const KILLS = Number(process.env.KILLS || 30);
const SEED = 1;
const patience = { 'pool.en.begin_timeout_ms': 2000, 'pool.en.final_timeout_ms': 2000, 'pool.en.slowest_factor': 1, 'pool.en.host_timeout_ms': 500, 'pool.en.backoff_min_ms': 10, 'pool.en.backoff_max_ms': 100 };

// Each engine with one way to lend: what the one leaves open of the other's, the matrix has.
for (const [lease, { engine, fake }] of [['session', fakes[0]], ['utterance', fakes[0]], ['utterance', fakes[1]]]) {
  test(`random faults of instances and hosts cost no word, lease = ${lease}, ${engine}`, async (t) => {
    const settings = { 'pool.en.max': 6, 'pool.en.spare': 2, 'pool.en.lease': lease, 'pool.en.param.burn': 0.1, ...patience };
    await withServer(fake(settings), async (server) => {
      const scripts = Array.from({ length: 8 }, (_, i) => ({ manual: true, sounds: [babble(500, i), babble(800, i + 20), babble(300, i + 40)] }));
      const report = emptyReport();
      const how = { kills: KILLS, clients: 6, pace: 4, random: randomFrom(SEED), every_ms: 60, report };
      const known = await undisturbed(server, scripts, how);
      await disturbed(server, scripts, known, how);
      t.diagnostic(JSON.stringify([...report.dealt]));
      const { dropped, lost, different, doubled, errors, faults } = report;
      assert.deepEqual({ dropped, lost, different, doubled, errors, faults }, { dropped: 0, lost: 0, different: 0, doubled: 0, errors: 0, faults: KILLS }, report.notes.join('\n'));
    });
  });
}
