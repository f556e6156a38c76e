// SIGHUP: the settings are read again; what can change live does, what cannot is named, and models are loaded anew
// beside those that serve.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { withServer } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { join, silence } from './lib/speech.mjs';
import { sound, manual, midUtterance, reload, Settings } from './lib/ops.mjs';

const fake = (more = {}) => ({ engine: 'fake', max: 2, ...more });

async function withSettings(sections, body, options) {
  const settings = new Settings(sections);
  try {
    await withServer(['-c', settings.file], (s) => body(s, settings), options);
  } finally {
    settings.remove();
  }
}

const text = async (s, fields = manual) => (await dictate(s, sound, fields)).text;
const hostPid = async (s) => (await s.pool()).host_pid;
function commandLine(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it ended while we looked
  }
}
const ready = (s) => s.until(async () => (await s.get('/readyz')).status === 200, 'the pool is ready');

test('limits of the server change for whoever comes next', async () => {
  await withSettings({ 'pool.en': fake(), server: { max_sessions: 5 } }, async (s, settings) => {
    const c = await midUtterance(s);
    settings.write({ 'pool.en': fake(), server: { max_sessions: 1, log_level: 'debug', max_header_bytes: 1024 } });
    await reload(s);
    await s.says(/info server: server.max_sessions was changed from 5 to 1\n/);
    const refused = await Client.open(s).then(() => assert.fail('it was let in'), (e) => e);
    assert.match(refused.body, /max_sessions 1\b/);
    assert.equal((await s.get('/healthz', { headers: { 'X-Long': 'x'.repeat(2000) } })).status, 431);
    await c.finish();
    assert.equal(c.finals.length, 1);
    await s.says(/ debug /);
  });
});

test('where utterances end changes for sessions that begin', async () => {
  const twice = join(sound, silence(1500), sound);
  await withSettings({ 'pool.en': fake() }, async (s, settings) => {
    assert.equal((await dictate(s, twice)).finals.length, 2);
    settings.write({ 'pool.en': fake(), vad: { endpointing: 'manual' } });
    await reload(s);
    assert.equal((await dictate(s, twice)).finals.length, 1);
  });
});

test('a file that is in no order changes nothing, and is named with its line', async () => {
  await withSettings({ 'pool.en': fake() }, async (s, settings) => {
    const expected = await text(s);
    settings.write({ 'pool.en': fake({ max: 1 }), server: { max_sessions: 'many' } });
    await reload(s, { failed: true });
    await s.says(/error server: SIGHUP: the old settings stay: \S+stenopool\.conf:5: \[server\] max_sessions: many is not/);
    assert.equal((await s.pool()).counts.places, 2);
    assert.equal(await text(s), expected);
    fs.rmSync(settings.file);
    await reload(s, { failed: true });
    settings.write({ 'pool.en': fake({ max: 1 }) });
    await reload(s);
    assert.equal((await s.pool()).counts.places, 1);
  });
});

test('what needs a restart is named, one line each, as long as it differs', async () => {
  await withSettings({ 'pool.en': fake() }, async (s, settings) => {
    settings.write({
      'pool.en': fake({ refresh: 'session', lease: 'utterance', max: 3 }), 'pool.de': fake(), server: { ear_threads: 7 },
    });
    for (let times = 1; times <= 2; times++) {
      await reload(s);
      for (const what of ['server\\.ear_threads was changed from \\d+ to 7', 'pool\\.en\\.refresh was changed from utterance to session',
        'pool\\.en\\.lease was changed from session to utterance', 'pool\\.de was added']) {
        const line = new RegExp(`warn server: ${what}: this needs a restart \\(or SIGUSR2\\)\n`, 'g');
        await s.until(() => s.log.match(line)?.length >= times, `the log says ${line} ${times} times`);
        assert.equal(s.log.match(line).length, times, what);
      }
    }
    assert.equal((await s.pool()).counts.places, 3);
    assert.equal((await s.status()).pools.length, 1);
  });
});

test('more places let those in who wait; fewer take no place away', async () => {
  await withSettings({ 'pool.en': fake({ max: 1 }) }, async (s, settings) => {
    const first = await midUtterance(s);
    const second = await Client.start(s, manual);
    await second.event('queued');
    settings.write({ 'pool.en': fake({ max: 2 }) });
    await reload(s);
    await second.event('ready');
    second.audio(sound);
    await second.event('speech_start');
    settings.write({ 'pool.en': fake({ max: 1 }) });
    await reload(s);
    const third = await Client.start(s, manual);
    await third.event('queued');
    await first.finish();
    await second.finish();
    await third.event('ready');
    third.audio(sound);
    await third.finish();
    assert.deepEqual([first, second, third].map((c) => c.finals.length), [1, 1, 1]);
    assert.equal((await s.metrics()).sessions_failed_total, 0);
  });
});

test('a pool that failed is ready once its settings are right, without waiting for its pause', async () => {
  const patient = { backoff_min_ms: 3600000, backoff_max_ms: 3600000 };
  await withSettings({ 'pool.en': fake({ 'param.load_fail': 'no luck', ...patient }) }, async (s, settings) => {
    await s.until(async () => (await s.pool()).state === 'failed' && /starting again in 3600000 ms/.test(s.log), 'the pool has failed');
    settings.write({ 'pool.en': fake(patient) });
    await reload(s);
    await ready(s);
    assert.notEqual(await text(s), '');
  }, { ready: false });
});

const model = '/usr/share/pocketsphinx/model/en-us/en-us';

test('a model that was broken on disk and is repaired is loaded', { skip: !fs.existsSync(model) && `no model at ${model}` }, async () => {
  const settings = new Settings({});
  const link = path.join(settings.dir, 'model');
  settings.write({ 'pool.en': { max: 1, model: link, backoff_min_ms: 3600000, backoff_max_ms: 3600000 } });
  try {
    await withServer(['-c', settings.file], async (s) => {
      await s.until(async () => (await s.pool()).state === 'failed' && /starting again in/.test(s.log), 'the pool has failed');
      fs.symlinkSync(model, link);
      await reload(s);
      await ready(s);
    }, { ready: false });
  } finally {
    settings.remove();
  }
});

test('a model is swapped while sessions speak: what has begun ends with the old one, what begins has the new one', async () => {
  await withSettings({ 'pool.en': fake({ 'param.model': 'old' }) }, async (s, settings) => {
    const old = await text(s);
    const c = await midUtterance(s);
    const host = await hostPid(s);
    settings.write({ 'pool.en': fake({ 'param.model': 'new', 'param.load_ms': 200 }) });
    await reload(s);
    assert.equal((await s.pool()).reloading, true);
    assert.equal((await s.get('/readyz')).status, 200);
    await s.until(async () => (await hostPid(s)) !== host, 'another host serves');
    assert.equal((await s.get('/readyz')).status, 200);
    c.send({ type: 'commit' });
    await c.event('final');
    c.audio(sound);
    await c.finish();
    const fresh = await text(s);
    assert.notEqual(fresh, old);
    assert.deepEqual(c.finals.map((f) => f.text), [old, fresh]);
    await s.until(() => !fs.existsSync(`/proc/${host}`), 'the old host has gone');
    assert.equal((await s.metrics()).utterances_lost_total, 0);
  });
});

test('a model that cannot be loaded anew leaves the old one at work, and status says why', async () => {
  await withSettings({ 'pool.en': fake() }, async (s, settings) => {
    const expected = await text(s);
    const host = await hostPid(s);
    settings.write({ 'pool.en': fake({ 'param.load_fail': 'no luck' }) });
    await reload(s);
    await s.until(async () => (await s.pool()).reload_failure === 'no luck', 'status says why');
    await s.says(/error host en: the model could not be loaded anew, the old one serves on: no luck/);
    assert.deepEqual([await hostPid(s), (await s.pool()).state, await text(s)], [host, 'ready', expected]);
    settings.write({ 'pool.en': fake({ 'param.crash_at_load': 1 }) });
    await reload(s);
    await s.until(async () => /crash_at_load/.test((await s.pool()).reload_failure), 'status says why');
    settings.write({ 'pool.en': fake({ 'param.model': 'better' }) });
    await reload(s);
    await s.until(async () => (await hostPid(s)) !== host, 'another host serves');
    assert.equal((await s.pool()).reload_failure, undefined);
    assert.notEqual(await text(s), expected);
  });
});

test('a host that dies while it loads anew is given up', async () => {
  await withSettings({ 'pool.en': fake() }, async (s, settings) => {
    settings.write({ 'pool.en': fake({ 'param.load_ms': 60000 }) });
    await reload(s);
    const host = await hostPid(s);
    const loading = await s.until(() => s.processes().find((pid) => /load_ms.60000/.test(commandLine(pid))), 'the new host runs');
    process.kill(loading, 'SIGKILL');
    await s.until(async () => /its host was killed by signal 9/.test((await s.pool()).reload_failure), 'status says why');
    settings.write({ 'pool.en': fake({ 'param.load_ms': 60001 }) });
    await reload(s);
    settings.write({ 'pool.en': fake() }); // thought better of it
    await reload(s);
    assert.deepEqual([(await s.pool()).reloading, await hostPid(s)], [false, host]);
  });
});

test('a model is loaded anew when its file was replaced, and only then', async () => {
  const settings = new Settings({});
  const file = path.join(settings.dir, 'model');
  fs.writeFileSync(file, 'one');
  settings.write({ 'pool.en': fake({ model: file }) });
  try {
    await withServer(['-c', settings.file], async (s) => {
      const host = await hostPid(s);
      await reload(s);
      assert.deepEqual([await hostPid(s), (await s.pool()).reloading], [host, false]);
      fs.writeFileSync(`${file}.new`, 'two');
      fs.renameSync(`${file}.new`, file);
      await reload(s);
      await s.until(async () => (await hostPid(s)) !== host, 'another host serves');
    });
  } finally {
    settings.remove();
  }
});
