// Web pages: which of them may use the server, and what their browsers are told.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { withServer, fake, run, set } from './lib/server.mjs';
import { Client } from './lib/client.mjs';
import { bearer, withKeys } from './lib/keys.mjs';

const PATH = '/v1/audio/transcriptions';
const evil = 'https://evil.example';

async function opens(s, headers) {
  const c = await Client.start(s, {}, { headers });
  await c.event('ready');
  await c.finish();
}

async function isRefused(s, headers, words) {
  const e = await Client.open(s, { headers }).then(() => assert.fail(`${headers.Origin} was let in`), (x) => x);
  assert.equal(e.status, 403);
  const { error } = JSON.parse(e.body);
  assert.equal(error.code, 'forbidden');
  assert.match(error.message, words);
}

const preflight = (s, origin, pathname = PATH) => s.get(pathname, { method: 'OPTIONS', headers: {
  Origin: origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'authorization,x-stainless-os' } });
const allowed = (r) => r.headers['access-control-allow-origin'];

test('without keys no page but its own opens a session, and a program does', async () => {
  await withServer(fake(), async (s) => {
    await isRefused(s, { Origin: evil }, /pages of https:\/\/evil\.example may not use this server; its allowed_origins/);
    await isRefused(s, { Origin: 'null' }, /pages of null/);
    await isRefused(s, { Origin: `http://localhost:${s.port}` }, /allowed_origins/);
    await opens(s, { Origin: `http://${s.address}` });
    await opens(s, {});
    assert.equal((await s.metrics()).sessions_opened_total, 2);
  });
});

test('a page that is refused stands in the log with its origin, and the setting that would let it in', async () => {
  await withServer([...fake(), '--listen', 'vosk=127.0.0.1:0'], async (s) => {
    await isRefused(s, { Origin: 'https://first.example' }, /first/);
    await s.says(/GET \/v1\/stream of 127\.0\.0\.1\S* was refused: pages of https:\/\/first\.example may not use this server; its allowed_origins/);
  });
  await withServer([...fake(), '--listen', 'vosk=127.0.0.1:0'], async (s) => {
    const vosk = { ...s, port: s.ports.vosk, address: `127.0.0.1:${s.ports.vosk}` };
    await isRefused(vosk, { Origin: 'chrome-extension://abc' }, /abc/);
    await s.says(/was refused: pages of chrome-extension:\/\/abc/);
  });
});

test('without keys another page can neither send a file nor read what a GET is answered', async () => {
  await withServer(fake(), async (s) => {
    const posted = await s.get(PATH, { method: 'POST', headers: { Origin: evil } });
    assert.equal(posted.status, 403);
    assert.deepEqual([JSON.parse(posted.body).error.code, allowed(posted)], ['forbidden', undefined]);
    assert.equal((await preflight(s, evil)).status, 403);
    const page = await s.get('/v1/status', { headers: { Origin: evil } });
    assert.deepEqual([page.status, allowed(page)], [200, undefined]);
  });
});

test('with keys any page is let in with a key, and may read what asks for one', async () => {
  await withKeys({ alice: 'normal' }, {}, async (s, { alice }) => {
    await opens(s, { Origin: evil, ...bearer(alice).headers });
    const e = await Client.open(s, { headers: { Origin: evil } }).then(() => assert.fail('let in'), (x) => x);
    assert.equal(e.status, 401);
    const models = await s.get('/v1/models', { headers: { Origin: evil, ...bearer(alice).headers } });
    assert.deepEqual([models.status, allowed(models), models.headers.vary], [200, evil, 'Origin']);
    assert.match(models.headers['access-control-expose-headers'], /x-request-id.*retry-after.*dg-request-id/);
    const without = await s.get('/v1/models', { headers: { Origin: evil } });
    assert.deepEqual([without.status, allowed(without)], [401, evil]);
    assert.equal(allowed(await s.get('/v1/status', { headers: { Origin: evil } })), undefined);
  });
});

test('a preflight is answered 204 with what may be sent', async () => {
  await withKeys({ alice: 'normal' }, {}, async (s) => {
    const r = await preflight(s, evil);
    assert.deepEqual([r.status, allowed(r), r.headers['access-control-allow-headers']], [204, evil, 'authorization,x-stainless-os']);
    assert.match(r.headers['access-control-allow-methods'], /POST/);
    assert.ok(Number(r.headers['access-control-max-age']) > 0);
    const long = await s.get(PATH, { method: 'OPTIONS', headers: { Origin: evil,
      'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'x'.repeat(600) } });
    assert.match(long.headers['access-control-allow-headers'], /Authorization, Content-Type, X-API-Key/);
  });
});

test('with a list those in it are let in and no other, keys or not; * is all', async () => {
  const settings = { 'server.allowed_origins': 'https://a.example, http://b.example:81' };
  await withKeys({ alice: 'normal' }, settings, async (s, { alice }) => {
    await opens(s, { Origin: 'https://a.example', ...bearer(alice).headers });
    await opens(s, { Origin: 'http://b.example:81', ...bearer(alice).headers });
    await isRefused(s, { Origin: evil, ...bearer(alice).headers }, /allowed_origins/);
  });
  await withServer(fake({ 'server.allowed_origins': '*' }), async (s) => {
    await opens(s, { Origin: evil });
    assert.equal(allowed(await s.get('/v1/status', { headers: { Origin: evil } })), evil);
  });
});

test('answers on one connection tell of each request\'s own origin', async () => {
  await withServer(fake({ 'server.allowed_origins': '*' }), async (s) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ask = async (origin) => allowed(await s.get('/healthz', { agent, headers: origin ? { Origin: origin } : {} }));
    assert.deepEqual([await ask('https://a.example'), await ask(), await ask('https://b.example')],
      ['https://a.example', undefined, 'https://b.example']);
    agent.destroy();
  });
});

test('a list that is none is refused at the start', async () => {
  const r = await run(['serve', '--check', ...set({ 'server.allowed_origins': 'a.example' })]);
  assert.equal(r.code, 2);
  assert.match(r.stderr, /\[server\] allowed_origins: "a\.example" is no origin; allowed are \* alone, null, or ones such as/);
});
