// A small chaos: make chaos is the large one.
import test from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { fake, root, withServer } from './lib/server.mjs';
import { fakes } from './lib/fakes.mjs';
import { babble } from './lib/speech.mjs';
import { disturbed, emptyReport, randomFrom, undisturbed } from './lib/chaos.mjs';

const KILLS = Number(process.env.KILLS || 30);
const SEED = 1;
const patience = { 'pool.en.begin_timeout_ms': 2000, 'pool.en.final_timeout_ms': 2000, 'pool.en.slowest_factor': 1, 'pool.en.host_timeout_ms': 500, 'pool.en.backoff_min_ms': 10, 'pool.en.backoff_max_ms': 100 };

// Each engine with one way to lend: what the one leaves open of the other's, the matrix has.
const example = { engine: 'exec', fake: (settings) => fakes[0].fake({ ...settings, 'pool.en.engine': 'exec', 'pool.en.param.command': `python3 ${path.join(root, 'contrib/python/example_engine.py')}` }) };

for (const [lease, { engine, fake }] of [['session', fakes[0]], ['utterance', fakes[0]], ['utterance', fakes[1]], ['session', example]]) {
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

// Whoever kills one kills all: each of them is begun again, and heard in parts where that comes too often.
test('a program of rows that is killed again and again costs no word', async (t) => {
  const command = `python3 ${path.join(root, 'tests/lib/programs/many.py')} 6`;
  const settings = { 'pool.en.engine': 'exec', 'pool.en.max': 6, 'pool.en.refresh': 'reset', 'pool.en.param.command': command, ...patience };
  await withServer(fakes[0].fake(settings), async (server) => {
    const scripts = Array.from({ length: 6 }, (_, i) => ({ manual: true, sounds: [babble(500, i), babble(800, i + 20)] }));
    const report = emptyReport();
    const how = { kills: KILLS / 3, clients: 6, pace: 4, random: randomFrom(SEED), every_ms: 400, report, rate: 'steady' };
    const known = await undisturbed(server, scripts, how);
    await disturbed(server, scripts, known, how);
    t.diagnostic(JSON.stringify([...report.dealt]));
    const { dropped, lost, doubled, errors, incomplete } = report;
    assert.deepEqual({ dropped, lost, doubled, errors, incomplete }, { dropped: 0, lost: 0, doubled: 0, errors: 0, incomplete: 0 }, report.notes.join('\n'));
    assert.ok(report.recovered > 0);
  });
});

// Both passes of a session may be hit at once, as often as one alone: the finals are those of the second, whatever becomes of the first.
const both = (settings) => Object.fromEntries(Object.entries(settings).flatMap(([k, v]) => [[k, v], [k.replace('pool.en.', 'pool.en-accurate.'), v]]));
const scriptsOfTwo = () => Array.from({ length: 8 }, (_, i) => ({ manual: true, sounds: [babble(500, i), babble(800, i + 20), babble(300, i + 40)] }));
const accurate = (engine, more = {}) => ({ 'pool.en-accurate.engine': engine, 'pool.en-accurate.param.model': 'accurate', 'pool.en-accurate.max': 6, 'pool.en-accurate.spare': 2, ...more });
const pools = ['en', 'en-accurate'];

async function passesUnderFire(t, more, { quick, kills = KILLS } = {}) {
  const settings = { 'pool.en.max': 6, 'pool.en.spare': 2, 'pool.en.engine': 'fake', 'pool.en.param.burn': 0.1, ...both(patience) };
  const scripts = scriptsOfTwo();
  const report = emptyReport();
  const how = { kills, clients: 6, pace: 4, random: randomFrom(SEED), every_ms: 60, report, pools };
  if (quick) await withServer(fake(settings), async (server) => (how.quick = await undisturbed(server, scripts, how)));
  // The accurate ones, as they are heard where nobody has to wait for them.
  const known = {};
  await withServer(fake({ ...settings, ...more, 'pool.en.finals': 'en-accurate', 'pool.en.finals_wait_ms': 60000, 'pool.en-accurate.max': 6 }), async (server) => {
    await server.until(async () => (await server.pool('en-accurate')).state === 'ready', 'both pools are ready');
    known.finals = await undisturbed(server, scripts, how);
    if (!quick) await disturbed(server, scripts, known.finals, how);
  });
  if (quick) {
    await withServer(fake({ ...settings, ...more, 'pool.en.finals': 'en-accurate' }), async (server) => {
      await server.until(async () => (await server.pool('en-accurate')).state === 'ready', 'both pools are ready');
      await disturbed(server, scripts, known.finals, how);
      assert.equal((await server.metrics()).finals_from_partials_total, report.quick);
    });
  }
  t.diagnostic(`${JSON.stringify([...report.dealt])}, finals of the first pass: ${report.quick}`);
  const { dropped, lost, different, doubled, errors, faults } = report;
  assert.deepEqual({ dropped, lost, different, doubled, errors, faults }, { dropped: 0, lost: 0, different: 0, doubled: 0, errors: 0, faults: kills }, report.notes.slice(0, 4).join('\n'));
  return report;
}

for (const engine of ['fake_whole', 'fake']) {
  test(`random faults in two pools cost no word and double none, finals of ${engine}`, async (t) => {
    const report = await passesUnderFire(t, accurate(engine));
    assert.equal(report.quick, 0);
  });
}

test('random faults in two pools, and too few places for finals: each utterance has one final, of one of them', async (t) => {
  const report = await passesUnderFire(t, accurate('fake_whole', { 'pool.en-accurate.max': 1, 'pool.en-accurate.spare': 0, 'pool.en.finals_wait_ms': 100 }), { quick: true });
  assert.ok(report.quick > 0 && report.quick < report.utterances, `${report.quick} of ${report.utterances}`);
});
