// TLS at a listener, for every protocol alike; certificates that change; and whom a proxy says its client is.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { withServer, fake, run } from './lib/server.mjs';
import { Client } from './lib/client.mjs';
import { keysFile } from './lib/keys.mjs';
import { deadline } from './lib/wait.mjs';
import { babble } from './lib/speech.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-tls-'));
test.after(() => fs.rmSync(dir, { recursive: true }));

const certificate = path.join(dir, 'certificate.pem');
const key = path.join(dir, 'key.pem');
function certify(name) {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', `/CN=${name}`,
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', `${key}.new`, '-out', `${certificate}.new`], { stdio: 'pipe' });
  fs.renameSync(`${key}.new`, key);
  fs.renameSync(`${certificate}.new`, certificate);
}
certify('first');

// The main listener of the tests stays in the clear; listen2 is the same with TLS.
const secure = (protocol = 'stenopool') => ['--listen', `${protocol}=127.0.0.1:0`];
const settings = (more = {}) => fake({ 'listen.listen2.certificate': certificate, 'listen.listen2.key': key, ...more });
const portOf = async (server, scheme = 'https') => Number((await server.says(new RegExp(`listening (?:for \\S+ )?on ${scheme}://127.0.0.1:(\\d+)`)))[1]);
const over = (options = {}) => ({ connect: ({ port }) => tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options }) });
const at = (port) => ({ port, address: `127.0.0.1:${port}` });

function get(port, pathname, options = {}) {
  return new Promise((resolve, reject) => {
    https.get({ port, host: '127.0.0.1', path: pathname, rejectUnauthorized: false, agent: false, ...options }, (res) => {
      const name = res.socket.getPeerCertificate().subject.CN;
      const protocol = res.socket.getProtocol();
      let body = '';
      res.on('data', (d) => (body += d));
      res.on('end', () => resolve({ status: res.statusCode, body, name, protocol }));
    }).on('error', reject);
  });
}

test('a listener with a certificate speaks https and wss, and what is heard is the same as in the clear', () =>
  withServer([...secure(), ...settings()], async (server) => {
    const port = await portOf(server);
    const { status, name } = await get(port, '/readyz', { ca: fs.readFileSync(certificate), rejectUnauthorized: true });
    assert.deepEqual([status, name], [200, 'first']);
    const texts = [];
    for (const [where, how] of [[at(port), over()], [server, {}]]) {
      const c = await Client.open(where, how);
      c.send({ type: 'start' });
      c.audio(babble(3000));
      await c.finish();
      texts.push(c.text);
    }
    assert.ok(texts[0].length > 0);
    assert.equal(texts[0], texts[1]);
  }));

test('protocols on listeners of their own may have a certificate too', () =>
  withServer([...secure('vosk'), ...settings()], async (server) => {
    const c = await Client.open(at(await portOf(server, 'wss')), { path: '/', ...over() });
    c.send('{"eof" : 1}');
    await c.until(() => c.events[0], 'the answer');
    assert.equal((await c.end()).code, 1000);
  }));

test('SIGHUP reads a new certificate for new connections, and a session goes on with the old one', () =>
  withServer([...secure(), ...settings()], async (server) => {
    const port = await portOf(server);
    const c = await Client.open(at(port), over());
    c.send({ type: 'start' });
    await c.event('ready');
    certify('second');
    server.child.kill('SIGHUP');
    await server.untilMetric('config_reloads_total', 1);
    assert.equal((await get(port, '/readyz')).name, 'second');
    assert.equal(c.socket.getPeerCertificate().subject.CN, 'first');
    c.audio(babble(2000));
    await c.finish();
    assert.ok(c.text.length > 0);
    fs.writeFileSync(certificate, 'nonsense');
    server.child.kill('SIGHUP');
    await server.says(/the old certificate stays: .*certificate.pem/);
    assert.equal((await get(port, '/readyz')).name, 'second');
    certify('first');
  }));

test('TLS before 1.2 is refused, 1.2 and 1.3 are spoken', () =>
  withServer([...secure(), ...settings()], async (server) => {
    const port = await portOf(server);
    const spoken = async (v) => (await get(port, '/healthz', { minVersion: v, maxVersion: v })).protocol;
    assert.equal(await spoken('TLSv1.2'), 'TLSv1.2');
    assert.equal(await spoken('TLSv1.3'), 'TLSv1.3');
    await assert.rejects(get(port, '/healthz', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
    assert.equal((await get(port, '/healthz')).status, 200);
  }));

test('a client that speaks no TLS, or begins and goes silent, hurts nobody', () =>
  withServer([...secure(), ...settings({ 'server.header_timeout_ms': 500 })], async (server) => {
    const port = await portOf(server);
    for (const first of ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', '\x16\x03\x01', '\0'.repeat(5000)]) {
      const socket = net.connect({ port, host: '127.0.0.1' });
      socket.on('error', () => {});
      socket.write(Buffer.from(first, 'latin1'));
      socket.resume();
      await deadline(new Promise((resolve) => socket.on('close', resolve)), () => `the end of a connection that began ${JSON.stringify(first.slice(0, 10))}`);
    }
    assert.equal((await get(port, '/healthz')).status, 200);
  }));

test('a certificate without its key, or one that is none, is refused at the start with the file', async () => {
  const other = path.join(dir, 'other.pem');
  fs.writeFileSync(other, 'nothing');
  const start = (...args) => run(['serve', '--listen', '127.0.0.1:0', ...args.flatMap((a) => ['--set', a])]);
  const none = await start('listen.listen1.certificate=/nowhere.pem', `listen.listen1.key=${key}`);
  assert.notEqual(none.code, 0);
  assert.match(none.stderr, /\[listen listen1\].*\/nowhere.pem/);
  const bad = await start(`listen.listen1.certificate=${other}`, `listen.listen1.key=${key}`);
  assert.match(bad.stderr, /\[listen listen1\].*other.pem/);
  const check = await run(['serve', '--check', '--listen', '127.0.0.1:0', '--set', `listen.listen1.certificate=${other}`, '--set', `listen.listen1.key=${key}`]);
  assert.equal(check.code, 2, 'as --check finds it');
  assert.match(check.stderr, /\[listen listen1\].*other.pem/);
  const half = await start(`listen.listen1.certificate=${certificate}`);
  assert.match(half.stderr, /TLS needs both a certificate and a key/);
});

test('a certificate that has expired is served, and said in the log, at the start and when it is read again', async () => {
  const [mine, wrong] = [path.join(dir, 'mine.pem'), path.join(dir, 'expired.pem')];
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe', cwd: dir });
  openssl('req', '-new', '-key', key, '-subj', '/CN=old', '-out', 'old.csr');
  fs.writeFileSync(path.join(dir, 'ca.cnf'), '[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n');
  fs.writeFileSync(path.join(dir, 'index'), '');
  fs.writeFileSync(path.join(dir, 'serial'), '01');
  openssl('ca', '-batch', '-config', 'ca.cnf', '-selfsign', '-keyfile', key, '-in', 'old.csr', '-out', wrong, '-startdate', '20200101000000Z', '-enddate', '20200201000000Z');
  const words = /\[listen listen2\]: the TLS certificate '.*mine.pem' expired at 2020-02-01 00:00 UTC; clients refuse it/;
  fs.copyFileSync(certificate, mine);
  await withServer([...secure(), ...settings({ 'listen.listen2.certificate': mine })], async (server) => {
    assert.doesNotMatch(server.log, /expired/);
    fs.copyFileSync(wrong, mine);
    server.child.kill('SIGHUP');
    await server.says(words);
    assert.equal((await get(await portOf(server), '/readyz')).name, 'old');
  });
  await withServer([...secure(), ...settings({ 'listen.listen2.certificate': mine })], (server) => server.says(words));
});

test('a client that sends a byte a record, or says its end in the middle, is treated as in the clear', () =>
  withServer([...secure(), ...settings()], async (server) => {
    const port = await portOf(server);
    const open = () => tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    const slow = open();
    let answer = '';
    slow.on('data', (d) => (answer += d));
    slow.setNoDelay(true);
    for (const c of 'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n') slow.write(c);
    await deadline(new Promise((resolve) => slow.on('end', resolve)), () => `the end of ${answer}`); // close_notify, and not only the socket
    assert.match(answer, /^HTTP\/1\.1 200/);
    const half = open();
    half.on('error', () => {});
    half.end('GET /healthz HTTP/1.1\r\nHost');
    await deadline(new Promise((resolve) => half.on('close', resolve)), () => 'the end of half a request');
    const c = await Client.open(at(port), over());
    c.send({ type: 'start' });
    await c.event('ready');
    const bytes = babble(1500);
    for (let i = 0; i < bytes.length; i += 8) c.audio(bytes.subarray(i, i + 8)); // 16 bytes a record
    await c.finish();
    assert.ok(c.text.length > 0);
  }));

test('connections of one address are bounded, and those behind a trusted proxy are not taken for one client', () =>
  withServer(fake({ 'server.max_connections_per_address': 2, 'pool.en.max': 4 }), async (server) => {
    const from = (localAddress) => Client.start(server, {}, { localAddress });
    const two = [await from('127.0.0.2'), await from('127.0.0.2')];
    await assert.rejects(from('127.0.0.2'), (e) => e.status === 503 && /max_connections_per_address/.test(e.body));
    const other = await from('127.0.0.3');
    for (const c of [...two, other]) await c.finish();
    await server.until(async () => (await server.metrics()).connections <= 1, 'they are gone');
    await (await from('127.0.0.2')).finish();
  }));

test('X-Forwarded-For is believed from a trusted proxy, and from nobody else', async () => {
  const { file } = await keysFile(dir, { a: 'normal' });
  const settings = fake({ 'server.trusted_proxies': '127.0.0.2', 'server.keys_file': file, 'server.log_level': 'debug' });
  await withServer(settings, async (server) => {
    const refused = (localAddress) => assert.rejects(Client.open(server, { localAddress, headers: { 'X-Forwarded-For': '198.51.100.1, 203.0.113.9' } }), (e) => e.status === 401);
    await refused('127.0.0.2');
    await server.says(/client 203\.0\.113\.9:0: refused/);
    await refused('127.0.0.4');
    await server.says(/client 127\.0\.0\.4:\d+: refused/);
  });
});
