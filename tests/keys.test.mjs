// API keys: who is let in, by which carrier, and whose turn it is.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { withServer, fake, set, run, program } from './lib/server.mjs';
import { Client } from './lib/client.mjs';
import { bearer, keys, keysFile, withKeys } from './lib/keys.mjs';
import { babble } from './lib/speech.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-keys-'));
test.after(() => fs.rmSync(dir, { recursive: true }));

// ---- the command ----

test('keys add prints a key once, keeps its SHA-256 in a file of mode 0600, and refuses a name that is there', async () => {
  const file = path.join(dir, 'made');
  const made = await keys('add', 'alice', '--priority', 'high', '--file', file);
  assert.deepEqual([made.code, /^sp_[\w-]{43}\n$/.test(made.stdout)], [0, true]);
  assert.match(made.stderr, /key of alice.*shown only now/);
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  const line = fs.readFileSync(file, 'utf8');
  assert.match(line, /^alice:[0-9a-f]{64}:priority=high\n$/);
  const again = await keys('add', 'alice', '--file', file);
  assert.deepEqual([again.code, again.stdout], [1, '']);
  assert.match(again.stderr, /there is a key named alice in .*; remove it first/);
  assert.equal(fs.readFileSync(file, 'utf8'), line);
});

test('keys remove takes one line away and leaves comments, mode and the others', async () => {
  const file = path.join(dir, 'removed');
  fs.writeFileSync(file, '# ours', { mode: 0o640 });
  for (const name of ['a', 'aa', 'b']) await keys('add', name, '--file', file);
  assert.equal((await keys('list', '--file', file)).stdout, 'a priority=normal\naa priority=normal\nb priority=normal\n');
  assert.equal((await keys('remove', 'a', '--file', file)).code, 0);
  assert.match(fs.readFileSync(file, 'utf8'), /^# ours\naa:.*\nb:.*\n$/);
  assert.equal(fs.statSync(file).mode & 0o777, 0o640);
  const gone = await keys('remove', 'a', '--file', file);
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /there is no key named a in/);
});

test('keys set changes what a key may, and neither the key nor another line', async () => {
  const file = path.join(dir, 'changed');
  fs.writeFileSync(file, '# ours\n', { mode: 0o640 });
  await keys('add', 'a', '--sessions', '4', '--minutes', '60', '--pools', 'en,de', '--priority', 'high', '--file', file);
  await keys('add', 'b', '--file', file);
  const list = async () => (await keys('list', '--file', file)).stdout;
  assert.equal(await list(), 'a priority=high sessions=4 minutes=60 pools=en,de\nb priority=normal\n');
  const before = fs.readFileSync(file, 'utf8');
  const r = await keys('set', 'a', '--minutes', 'none', '--sessions', '5', '--pools', 'all', '--file', file);
  assert.deepEqual([r.code, r.stdout], [0, '']);
  assert.equal(await list(), 'a priority=high sessions=5\nb priority=normal\n');
  assert.equal(fs.readFileSync(file, 'utf8'), before.replace(',sessions=4,minutes=60,pools=en,de', ',sessions=5'));
  assert.equal(fs.statSync(file).mode & 0o777, 0o640);
  const gone = await keys('set', 'c', '--minutes', '1', '--file', file);
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /there is no key named c in/);
  const wrong = await keys('set', 'a', '--minutes', 'many', '--file', file);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /minutes=many is no number of minutes an hour; allowed is 1 to 1000000, or none/);
  assert.equal(await list(), 'a priority=high sessions=5\nb priority=normal\n');
});

for (const [name, args, code, words] of [
  ['a name with a blank', ['add', 'a b'], 1, /"a b" cannot be the name of a key/],
  ['a priority that is none', ['add', 'a', '--priority', 'urgent'], 1, /priority=urgent.*high, normal or low/],
  ['a number of sessions that is none', ['add', 'a', '--sessions', '0'], 1, /sessions=0.*1 to 1000000, or none/],
  ['a list of pools that is none', ['add', 'a', '--pools', 'en,'], 1, /pools=en, is no list of pools/],
  ['set without anything to set', ['set', 'a'], 2, /keys set needs something to set: --priority, --sessions, --minutes or --pools/],
  ['no verb', [], 2, /keys needs a word behind it: add, set, list or remove/],
  ['a verb that is none', ['ad', 'a'], 2, /keys cannot "ad"; allowed is add, set, list or remove/],
  ['no name', ['remove'], 2, /keys remove needs the NAME of a key/],
  ['a name too many', ['add', 'a', 'b'], 2, /keys add takes one NAME, and "b" is too much/],
  ['a name for the list', ['list', 'a'], 2, /keys list takes no NAME, and "a" is too much/],
  ['an option that is none', ['add', 'a', '--sesions', '3'], 2, /there is no option --sesions; allowed are --priority, --sessions, --minutes, --pools and --file/],
  ['an option without its value', ['add', 'a', '--minutes'], 2, /--minutes needs a value/],
  ['remove with what it would not do', ['remove', 'a', '--minutes', '3'], 2, /keys remove takes no option but --file; keys set changes what a key may/],
]) {
  test(`keys: ${name} is refused`, async () => {
    const r = await keys('--file', path.join(dir, 'refused'), ...args);
    assert.equal(r.code, code);
    assert.match(r.stderr, words);
    assert.equal(r.stderr.trim().split('\n').length, code, 'one sentence, and where the help is if the command was wrong');
    assert.ok(!fs.existsSync(path.join(dir, 'refused')));
  });
}

test('keys set and remove change the file that a link leads to, which is the one the server reads', async () => {
  const [file, link] = [path.join(dir, 'linked'), path.join(dir, 'link')];
  for (const name of ['a', 'b']) await keys('add', name, '--file', file);
  fs.symlinkSync('linked', link);
  assert.equal((await keys('remove', 'a', '--file', link)).code, 0);
  assert.equal((await keys('set', 'b', '--sessions', '2', '--file', link)).code, 0);
  assert.equal(fs.readlinkSync(link), 'linked');
  assert.match(fs.readFileSync(file, 'utf8'), /^b:[0-9a-f]{64}:priority=normal,sessions=2\n$/);
});

test('keys add says so when the key could not be shown', () => {
  const full = fs.openSync('/dev/full', 'w');
  const r = spawnSync(program, ['keys', 'add', 'a', '--file', path.join(dir, 'unseen')], { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' });
  fs.closeSync(full);
  assert.equal(r.status, 1);
  assert.match(r.stderr, /the key of a could not be shown.*remove it and add it again/);
});

test('many adds at once lose no key', async () => {
  const file = path.join(dir, 'many');
  const names = Array.from({ length: 20 }, (_, i) => `k${i}`);
  await Promise.all(names.map((n) => keys('add', n, '--file', file)));
  const listed = (await keys('list', '--file', file)).stdout.trim().split('\n').map((l) => l.split(' ')[0]);
  assert.deepEqual(listed.sort(), names.sort());
});

// ---- the start ----

test('all addresses without keys are refused at the start; allow_open and keys_file allow them', async () => {
  const open = ['serve', '--listen', '0.0.0.0:8080', '--check'];
  const r = await run(open);
  assert.equal(r.code, 2);
  assert.match(r.stderr, /listening on 0\.0\.0\.0:8080 without keys would let anybody in; set keys_file, or allow_open = yes/);
  assert.equal((await run([...open, ...set({ 'server.allow_open': 'yes' })])).code, 0);
  const { file } = await keysFile(dir, { alice: 'normal' });
  assert.equal((await run([...open, ...set({ 'server.keys_file': file })])).code, 0);
});

test('a keys file with a mistake is named with its line, by --check and by serve', async () => {
  const file = path.join(dir, 'wrong');
  fs.writeFileSync(file, '# one\nalice:sp_abc\n');
  for (const more of [['--check'], fake()]) {
    const r = await run(['serve', '--listen', '127.0.0.1:0', ...set({ 'server.keys_file': file }), ...more]);
    assert.equal(r.code, 2);
    assert.ok(r.stderr.includes(`${file}:2: what follows the name is not a SHA-256`), r.stderr);
    assert.ok(!r.stderr.includes('sp_abc'));
  }
});

test('a key that is removed lets nobody in once its file is read again, and its open session goes on', () =>
  withKeys({ alice: {}, bob: {} }, {}, async (s, { alice, bob }, file) => {
    const c = await Client.start(s, {}, bearer(alice));
    await c.event('ready');
    await keys('remove', 'alice', '--file', file);
    s.child.kill('SIGHUP');
    await s.untilMetric('config_reloads_total', 1);
    await assert.rejects(Client.open(s, bearer(alice)), (e) => e.status === 401);
    c.audio(babble(1000));
    await c.finish();
    assert.ok(c.text.length > 0);
    await (await Client.start(s, {}, bearer(bob))).finish();
  }));

test('a file of keys that is wrong or gone when it is read again changes nothing, and is named', () =>
  withKeys({ alice: {} }, {}, async (s, { alice }, file) => {
    fs.appendFileSync(file, 'bob\n');
    s.child.kill('SIGHUP');
    await s.says(/the old settings and keys stay: .*:2: this is no key/);
    fs.rmSync(file);
    s.child.kill('SIGHUP');
    await s.says(/the old settings and keys stay: cannot read .*: No such file or directory/);
    await (await Client.start(s, {}, bearer(alice))).finish();
  }));

// ---- carriers ----

const carriers = {
  'Authorization: Bearer': (k) => ({ headers: { Authorization: `Bearer ${k}` } }),
  'Authorization: token': (k) => ({ headers: { Authorization: `token ${k}` } }),
  'X-API-Key': (k) => ({ headers: { 'x-api-key': k } }),
  'api-key': (k) => ({ headers: { 'api-key': k } }),
  '?api_key': (k) => ({ path: `/v1/stream?api_key=${k}` }),
  '?token': (k) => ({ path: `/v1/stream?a=b&token=${k}` }),
  '?access_token, percent-encoded': (k) => ({
    path: `/v1/stream?access_token=${[...k].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('')}`,
  }),
  'subprotocol openai-insecure-api-key.K': (k) => ({
    headers: { 'Sec-WebSocket-Protocol': `realtime, openai-insecure-api-key.${k}, openai-beta.realtime-v1` },
    answered: 'realtime',
  }),
  'subprotocols token, K': (k) => ({ headers: { 'Sec-WebSocket-Protocol': `token, ${k}` }, answered: 'token' }),
  'subprotocols bearer, K': (k) => ({ headers: { 'Sec-WebSocket-Protocol': `bearer, ${k}` }, answered: 'bearer' }),
};

test('each carrier of a key is taken; a wrong key by each is answered 401 before the 101', async () => {
  await withKeys({ alice: 'high', bob: 'low' }, {}, async (s, { bob }) => {
    let refused = 0;
    for (const [name, carry] of Object.entries(carriers)) {
      const how = carry(bob);
      const c = await Client.start(s, {}, how);
      await c.event('ready');
      const session = (await s.status()).sessions[0];
      assert.deepEqual([session.key, session.priority], ['bob', 'low'], name);
      assert.equal(c.head.match(/^sec-websocket-protocol: (.*)$/im)?.[1], how.answered, name);
      await c.finish();
      const e = await Client.open(s, carry(`${bob.slice(0, -1)}!`)).then(() => assert.fail(`${name}: let in`), (x) => x);
      assert.equal(e.status, 401, name);
      assert.deepEqual(JSON.parse(e.body).error, { code: 'unauthorized', message: "the key that was sent is not one of this server's" });
      refused++;
    }
    assert.equal((await s.metrics()).keys_refused_total, refused);
    assert.ok(!JSON.stringify(await s.status()).includes(bob));
  });
});

test('without a key a client is answered 401 with WWW-Authenticate and told how; the pages stay open', async () => {
  await withKeys({ alice: 'normal' }, {}, async (s) => {
    const e = await Client.open(s).then(() => assert.fail('it was let in'), (x) => x);
    assert.equal(e.status, 401);
    assert.match(e.head, /^www-authenticate: Bearer\r?$/im);
    assert.match(e.head, /^content-type: application\/json\r?$/im);
    assert.match(JSON.parse(e.body).error.message, /a key is needed and none was sent; send Authorization: Bearer/);
    for (const page of ['/healthz', '/readyz', '/metrics', '/v1/status']) assert.equal((await s.get(page)).status, 200, page);
  });
});

test('without keys everybody is let in, whatever key is sent', async () => {
  await withServer(fake(), async (s) => {
    const c = await Client.start(s, {}, bearer('anything'));
    await c.event('ready');
    const session = (await s.status()).sessions[0];
    assert.deepEqual([session.key, session.priority], [null, 'normal']);
    await c.finish();
  });
});

// ---- whose turn it is ----

const single = { 'pool.en.max': 1, 'pool.en.lease': 'session' };

async function place(s, options) {
  const c = await Client.start(s, {}, options);
  await c.event('ready');
  return c;
}

async function waiter(s, options) {
  const c = await Client.start(s, {}, options);
  await c.event('queued');
  return c;
}

// Lets go of the place, and says who has the next one.
async function next(holder, waiting) {
  await holder.finish();
  await Promise.race(waiting.map((c) => c.event('ready')));
  const ready = waiting.filter((c) => c.all('ready').length > 0);
  assert.equal(ready.length, 1);
  return ready[0];
}

async function twentyAndOne(s, many, one) {
  const holder = await place(s, many);
  const flood = [];
  for (let i = 0; i < 20; i++) flood.push(await waiter(s, many));
  const single = await waiter(s, one);
  assert.equal(single.all('queued')[0].position, 1);
  assert.equal(await next(holder, [...flood, single]), single);
  assert.equal(await next(single, flood), flood[0]);
  for (const c of flood) c.close();
}

test('one key with 20 sessions that wait does not go before the single one of another key', async () => {
  await withKeys({ many: 'normal', one: 'normal' }, single, async (s, k) => {
    await twentyAndOne(s, bearer(k.many), bearer(k.one));
  });
});

test('without keys the same holds between addresses', async () => {
  await withServer(fake(single), (s) => twentyAndOne(s, {}, { localAddress: '127.0.0.2' }));
});

test('high goes before normal before low', async () => {
  await withKeys({ holder: 'normal', low: 'low', normal: 'normal', high: 'high' }, single, async (s, k) => {
    let holder = await place(s, bearer(k.holder));
    const waiting = [];
    for (const name of ['low', 'normal', 'high', 'low', 'normal', 'high']) waiting.push(Object.assign(await waiter(s, bearer(k[name])), { name }));
    const order = [];
    while (waiting.length > 0) {
      holder = await next(holder, waiting);
      order.push(holder.name);
      waiting.splice(waiting.indexOf(holder), 1);
    }
    await holder.finish();
    assert.deepEqual(order, ['high', 'high', 'normal', 'normal', 'low', 'low']);
  });
});

// Utterances are ended by commit, so that each has its end where the test says. There is one place, and each utterance has an
// instance of its own, so the numbers of the instances tell in which order utterances were heard.
test('with leases by utterance a client with 50 sessions delays that of another key by one utterance at most', async () => {
  const settings = { 'pool.en.max': 1, 'pool.en.lease': 'utterance', 'pool.en.param.slow': 0.2, 'pool.en.queue_max': 1000 };
  await withKeys({ flood: 'normal', one: 'normal' }, settings, async (s, k) => {
    const manual = { endpointing: 'manual', partials: false };
    const flood = await Promise.all(Array.from({ length: 50 }, () => Client.start(s, manual, bearer(k.flood))));
    const one = await Client.start(s, manual, bearer(k.one));
    for (const c of [...flood, one]) await c.event('ready');
    const sound = babble(600);
    for (const c of flood) {
      c.audio(sound);
      c.send({ type: 'commit' });
    }
    await s.until(() => flood.reduce((n, c) => n + c.finals.length, 0) >= 3, 'the flood is being heard');
    one.audio(sound);
    one.send({ type: 'commit' });
    await one.event('speech_end');
    const done = (await s.metrics()).utterances_done_total; // before one's speech ended, or little later
    await one.event('final');
    for (const c of flood) await c.event('final');
    const before = flood.filter((c) => c.finals[0].instance < one.finals[0].instance).length;
    assert.ok(done < 40, `${done} were done before the test had begun`);
    assert.ok(before <= done + 1, `${done} were done and ${before} were heard before it`);
    await Promise.all([...flood, one].map((c) => c.finish()));
  });
});
