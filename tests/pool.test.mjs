// Places, the queue, refusals, time limits, and the pages that tell of them.
import test from 'node:test';
import assert from 'node:assert/strict';
import { withServer, fake, set } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { babble } from './lib/speech.mjs';

const single = (more = {}) => fake({ 'pool.en.max': 1, ...more });

async function holder(s, fields = {}) {
  const c = await Client.start(s, fields);
  await c.event('ready');
  return c;
}

async function waiter(s, position) {
  const c = await Client.start(s);
  assert.equal((await c.event('queued')).position, position);
  return c;
}

async function refused(c, code, words) {
  const how = await c.end();
  const [error] = c.all('error');
  assert.equal(how.code, code);
  assert.match(error.message, words);
  assert.equal(c.events.at(-1), error);
  return error;
}

test('a client too many for the queue is refused at once, told queue_max and when to come back', async () => {
  await withServer(single({ 'pool.en.queue_max': 1 }), async (s) => {
    const a = await holder(s);
    const b = await waiter(s, 1);
    const error = await refused(await Client.start(s), 1013, /max 1\b.*queue_max 1\b/);
    assert.equal(error.code, 'busy');
    assert.ok(error.retry_after_ms >= 1000);
    assert.equal((await s.metrics())['pool_refused_full_total{pool="en"}'], 1);
    await a.finish();
    await b.event('ready');
    await b.finish();
  });
});

test('with no queue at all the second client of one place is refused', async () => {
  await withServer(single({ 'pool.en.queue_max': 0 }), async (s) => {
    const a = await holder(s);
    await refused(await Client.start(s), 1013, /queue_max 0/);
    await a.finish();
  });
});

test('a client that waited queue_timeout_ms is refused, and the one behind it too', async () => {
  await withServer(single({ 'pool.en.queue_timeout_ms': 200 }), async (s) => {
    const a = await holder(s);
    const waiting = await Promise.all([Client.start(s), Client.start(s)]);
    for (const c of waiting) assert.ok((await refused(c, 1013, /queue_timeout_ms 200/)).retry_after_ms > 0);
    assert.equal((await s.metrics())['pool_refused_timeout_total{pool="en"}'], 2);
    await a.finish();
  });
});

test('when one leaves the queue those behind it move up and are told', async () => {
  await withServer(single(), async (s) => {
    const a = await holder(s);
    const [b, c, d] = [await waiter(s, 1), await waiter(s, 2), await waiter(s, 3)];
    b.vanish();
    assert.equal((await c.event('queued', 1)).position, 1);
    assert.equal((await d.event('queued', 1)).position, 2);
    assert.equal((await s.metrics())['pool_queue_left_total{pool="en"}'], 1);
    await a.finish();
    await c.event('ready');
    await c.finish();
    await d.finish();
    assert.deepEqual(d.all('queued').map((q) => q.position), [3, 2, 1]);
  });
});

test('places are given in the order in which clients came', async () => {
  await withServer(single(), async (s) => {
    const clients = [await holder(s)];
    for (let i = 1; i <= 4; i++) clients.push(await waiter(s, i));
    for (const [i, c] of clients.entries()) {
      await c.event('ready');
      assert.ok(clients.slice(i + 1).every((later) => later.all('ready').length === 0));
      await c.finish();
    }
  });
});

test('over max_sessions a connection is answered 503 with Retry-After instead of 101', async () => {
  await withServer(fake({ 'server.max_sessions': 1 }), async (s) => {
    const a = await holder(s);
    const error = await Client.open(s).then(() => assert.fail('it was let in'), (e) => e);
    assert.equal(error.status, 503);
    assert.match(error.head, /^retry-after: \d+$/im);
    assert.match(JSON.parse(error.body).error.message, /max_sessions 1/);
    await a.finish();
    await dictate(s, babble(500));
  });
});

const leavings = {
  'resets its connection': (c) => c.vanish(),
  'ends its connection without a close frame': (c) => c.socket.end(),
  'closes in order': (c) => c.close(),
};
for (const [name, leave] of Object.entries(leavings)) {
  test(`a client that ${name} gives its place back at once, in the middle of its utterance`, async () => {
    await withServer(single({ 'pool.en.param.end_ms': 600000, 'pool.en.warmup': '' }), async (s) => {
      const a = await holder(s, { endpointing: 'manual' });
      const next = await waiter(s, 1);
      a.audio(babble(600));
      await a.event('speech_start');
      leave(a);
      await next.event('ready');
      next.close();
      await s.until(async () => (await s.status()).sessions.length === 0, 'both sessions are closed');
      const m = await s.metrics();
      assert.equal(m.utterances_abandoned_total, 1);
      assert.equal(m['pool_leases_granted_total{pool="en"}'], 2);
    });
  });
}

test('a session without audio is ended after idle_timeout_ms, and says so', async () => {
  await withServer(fake({ 'server.idle_timeout_ms': 300 }), async (s) => {
    const c = await holder(s);
    const error = await refused(c, 1008, /idle_timeout_ms 300/);
    assert.equal(error.code, 'timeout');
  });
});

test('a client that does not say start within start_timeout_ms is told so', async () => {
  await withServer(fake({ 'server.start_timeout_ms': 200 }), async (s) => {
    const c = await Client.open(s);
    await refused(c, 1008, /start_timeout_ms 200/);
    assert.equal((await s.metrics()).sessions_opened_total, 0);
  });
});

const two = [...fake(), ...set({ 'pool.fr.engine': 'fake', 'pool.fr.param.model': 'autre', 'pool.fr.max': 1 })];

test('a client gets the pool it names, or the first one', async () => {
  await withServer(two, async (s) => {
    const [first, en, fr] = [await dictate(s, babble(800)), await dictate(s, babble(800), { pool: 'en' }), await dictate(s, babble(800), { pool: 'fr' })];
    assert.deepEqual([first, en, fr].map((c) => c.all('ready')[0].pool), ['en', 'en', 'fr']);
    assert.equal(en.text, first.text);
    assert.notEqual(fr.text, en.text);
    const m = await s.metrics();
    assert.deepEqual(['en', 'fr'].map((p) => m[`pool_utterances_ended_total{pool="${p}"}`]), [2, 1]);
  });
});

test('a client that names a pool there is not is told those there are', async () => {
  await withServer(two, async (s) => {
    await refused(await Client.start(s, { pool: 'de' }), 1008, /there is no pool "de"; there is: en, fr/);
  });
});

test('a full pool does not keep others from another pool', async () => {
  await withServer(two, async (s) => {
    const a = await holder(s, { pool: 'fr' });
    const b = await Client.start(s, { pool: 'fr' });
    await b.event('queued');
    await dictate(s, babble(500), { pool: 'en' });
    await a.finish();
    await b.finish();
  });
});

test('/v1/status tells of pools, instances, the queue, sessions and sums', async () => {
  await withServer(single(), async (s) => {
    const a = await holder(s);
    const b = await waiter(s, 1);
    await s.until(async () => (await s.pool()).counts.idle === 1, 'the spare instance is there');
    const status = await s.status();
    const [pool] = status.pools;
    assert.deepEqual([pool.name, pool.state, pool.counts], ['en', 'ready',
      { starting: 0, idle: 1, leased: 1, retiring: 0, places: 1, places_taken: 1, waiting: 1 }]);
    assert.ok(pool.host_pid > 0);
    const byState = Object.fromEntries(pool.instances.map((i) => [i.state, i]));
    const [mine, theirs] = [a.all('ready')[0].session, status.sessions.find((x) => x.state === 'queued').id];
    assert.deepEqual([byState.leased.session, byState.idle.session], [mine, null]);
    for (const i of pool.instances) {
      for (const key of ['id', 'pid', 'uses', 'age_ms', 'private_kb']) assert.ok(Number.isInteger(i[key]), key);
      assert.ok(i.pid > 0 && i.uses === 0);
    }
    assert.deepEqual(pool.queue.map(({ session, position }) => [session, position]), [[theirs, 1]]);
    assert.ok(pool.queue[0].waited_ms >= 0 && pool.queue[0].estimated_wait_ms > 0);
    assert.deepEqual(status.sessions.find((x) => x.id === mine), { id: mine, state: 'ready', pool: 'en', instance: byState.leased.id, key: null, priority: 'normal' });
    assert.deepEqual(Object.keys(status.sums), ['instances', 'leases', 'utterances', 'sessions']);
    assert.deepEqual(status.sums.leases, { begun: 1, ended: 0, open: 1, balanced: true });
    assert.deepEqual(status.sums.sessions, { begun: 2, ended: 0, open: 2, balanced: true });
    await a.finish();
    await b.finish();
  });
});

test('/readyz says 503 and why while the model loads, and /healthz 200', async () => {
  await withServer(fake({ 'pool.en.param.load_ms': 600000 }), async (s) => {
    const ready = await s.get('/readyz');
    assert.deepEqual([ready.status, JSON.parse(ready.body)], [503, { ready: false, state: 'serving', pools: { en: 'starting' } }]);
    assert.equal((await s.get('/healthz')).status, 200);
    const c = await Client.start(s);
    assert.equal((await c.event('queued')).position, 1);
    c.close();
  }, { ready: false });
});

test('every line of /metrics is a sample of a family that was announced, and no sample comes twice', async () => {
  await withServer(two, async (s) => {
    await dictate(s, babble(500));
    const { status, headers, body } = await s.get('/metrics');
    assert.equal(status, 200);
    assert.match(headers['content-type'], /^text\/plain; version=0\.0\.4/);
    assert.ok(body.endsWith('\n'));
    const kinds = new Map();
    const seen = new Set();
    for (const line of body.trimEnd().split('\n')) {
      const type = line.match(/^# TYPE (stenopool_[a-z0-9_]+) (counter|gauge|histogram)$/);
      if (type) kinds.set(type[1], type[2]);
      if (line.startsWith('#')) {
        assert.match(line, /^# (HELP \S+ \S.*|TYPE .*)$/);
        continue;
      }
      const m = line.match(/^((stenopool_[a-z0-9_]+)(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})?) (\d+(\.\d+)?(e[-+]?\d+)?)$/);
      assert.ok(m, line);
      assert.ok(kinds.has(m[2]) || kinds.get(m[2].replace(/_(bucket|sum|count)$/, '')) === 'histogram', line);
      assert.ok(!seen.has(m[1]), line);
      seen.add(m[1]);
    }
    for (const [name, kind] of kinds) assert.equal(name.endsWith('_total'), kind === 'counter', name);
  });
});

test('HEAD is answered as GET without the body; other methods 405, other paths 404', async () => {
  await withServer(fake(), async (s) => {
    const [get, head] = [await s.get('/healthz'), await s.get('/healthz', { method: 'HEAD' })];
    assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, String(get.body.length), '']);
    const post = await s.get('/metrics', { method: 'POST' });
    assert.deepEqual([post.status, post.headers.allow], [405, 'GET']);
    const lost = await s.get('/v1/nothing');
    assert.equal(lost.status, 404);
    assert.match(lost.body, /there is nothing at \/v1\/nothing/);
  });
});

test('an unused instance of an engine that is no fake has at most 2 MiB of its own', async (t) => {
  await withServer(set({ 'pool.en.max': 2, 'pool.en.min': 2 }), async (s) => {
    await s.until(async () => (await s.pool()).counts.idle >= 2, 'two instances wait');
    const unused = (await s.pool()).instances.filter((i) => i.state === 'idle' && i.uses === 0);
    assert.ok(unused.length >= 2);
    for (const i of unused) assert.ok(i.private_kb > 0 && i.private_kb <= 2048, `${i.private_kb} KiB`);
    t.diagnostic(`private: ${unused.map((i) => i.private_kb)} KiB`);
  });
});
