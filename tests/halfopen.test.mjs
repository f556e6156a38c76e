// Connections that hold a place and ask for nothing keep nobody out; those that work are not given up, and the server's health
// can be asked for all the same.
import test from 'node:test';
import assert from 'node:assert/strict';
import { withServer, fake } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { babble } from './lib/speech.mjs';
import { Peer } from './lib/hostile.mjs';
import { until } from './lib/wait.mjs';

const sound = babble(800);
const health = async (s, path = '/healthz') => (await fetch(`http://${s.address}${path}`, { headers: { connection: 'close' } })).status;
const metric = async (s, name) => Number((await (await fetch(`http://${s.address}/metrics`)).text()).match(new RegExp(`^stenopool_${name} (\\d+)`, 'm'))[1]);

const halves = {
  'nothing at all': '',
  'half a header': 'GET /v1/status HTTP/1.1\r\nHos',
  'half a body': 'POST /v1/listen HTTP/1.1\r\nHost: a\r\nContent-Type: audio/wav\r\nContent-Length: 9999\r\n\r\nRIFF',
};
for (const [name, half] of Object.entries(halves))
  test(`slow clients: many that have sent ${name} shut nobody out`, async () => {
    await withServer(fake({ 'server.max_connections': 40, 'server.header_timeout_ms': 600000, 'server.body_timeout_ms': 600000 }), async (s) => {
      const peers = [];
      for (let i = 0; i < 120; i++) {
        const peer = await Peer.connect(s.port);
        peer.raw(Buffer.from(half));
        peers.push(peer);
      }
      assert.equal(await health(s), 200);
      assert.notEqual((await dictate(s, sound, { endpointing: 'manual' })).text, '');
      await until(() => peers.filter((p) => p.ended).length >= 80, 'the oldest have been given up');
      assert.ok(peers.at(-1).ended === false, 'and not the youngest');
      assert.ok((await metric(s, 'connections_given_up_total')) >= 80);
      peers.forEach((p) => p.vanish());
    });
  });

test('slow clients: those that are served stay, one more is refused in the words of its API, and the health is told', async () => {
  await withServer(fake({ 'server.max_connections': 4, 'pool.en.max': 4 }), async (s) => {
    const clients = [];
    for (let i = 0; i < 4; i++) clients.push(await Client.open(s));
    for (const path of ['/healthz', '/readyz', '/metrics']) assert.equal(await health(s, path), 200, path);
    for (const [path, message] of [['/v1/listen', (b) => b.err_msg], ['/v1/audio/transcriptions', (b) => b.error.message], ['/v1/status', (b) => b.error.message]]) {
      const r = await fetch(`http://${s.address}${path}`, path === '/v1/status' ? {} : { method: 'POST', body: 'abc' });
      assert.equal(r.status, 503, path);
      assert.ok(r.headers.get('retry-after'), path);
      assert.equal(message(await r.json()), 'all 4 connections (max_connections) are taken', path);
    }
    for (const c of clients) assert.equal(c.closed, null);
    for (const c of clients) c.socket.destroy();
  });
});
