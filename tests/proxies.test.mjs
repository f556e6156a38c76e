// nginx and HAProxy in front, with the very settings of docs/operations.md. Skipped where they are not installed: to install them
// would start them.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { fake, root, run, withServer } from './lib/server.mjs';
import { Client } from './lib/client.mjs';
import { keysFile } from './lib/keys.mjs';
import { wav } from './lib/audio.mjs';
import { babble, join, silence } from './lib/speech.mjs';
import { until } from './lib/wait.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-proxies-'));
test.after(() => fs.rmSync(dir, { recursive: true }));
const at = (name) => path.join(dir, name);
const sound = join(silence(300), babble(1500, 1), silence(1500), babble(1500, 2), silence(300));

function certify() {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=proxy',
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', at('proxy.key'), '-out', at('proxy.pem')], { stdio: 'pipe' });
  fs.writeFileSync(at('both.pem'), fs.readFileSync(at('proxy.pem'), 'utf8') + fs.readFileSync(at('proxy.key'), 'utf8'));
  fs.writeFileSync(at('recording.wav'), wav(sound));
}

async function freePort() {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.on('listening', resolve));
  const { port } = taken.address();
  await new Promise((resolve) => taken.close(resolve));
  return port;
}

// The settings as they stand in the docs, with this test's addresses and files.
function settings(language, changes) {
  let text = fs.readFileSync(path.join(root, 'docs/operations.md'), 'utf8').match(new RegExp('```' + language + '\n(.*?)```', 's'))[1];
  for (const [from, to] of changes) {
    assert.ok(text.includes(from), `${from} is in the docs for ${language}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

const proxies = {
  nginx: (port, server) => {
    const text = settings('nginx', [['listen 443 ssl', `listen 127.0.0.1:${port} ssl`], ['/etc/ssl/speech.pem', at('proxy.pem')],
      ['/etc/ssl/speech.key', at('proxy.key')], ['127.0.0.1:8080', server.address]]);
    const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${at(`nginx-${kind}`)};`).join('\n');
    fs.writeFileSync(at('nginx.conf'), `daemon off; error_log stderr; pid ${at('nginx.pid')}; events {}\nhttp { access_log off;\n${places}\n${text}}\n`);
    return ['/usr/sbin/nginx', ['-e', 'stderr', '-c', at('nginx.conf')]];
  },
  haproxy: (port, server) => {
    const text = settings('haproxy', [['bind :443', `bind 127.0.0.1:${port}`], ['/etc/ssl/speech.both.pem', at('both.pem')], ['127.0.0.1:8080', server.address]]);
    fs.writeFileSync(at('haproxy.conf'), text);
    return ['/usr/sbin/haproxy', ['-db', '-f', at('haproxy.conf')]];
  },
};

function request(port, pathname, { method = 'GET', localAddress, headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const req = https.request({ host: '127.0.0.1', port, path: pathname, method, headers, localAddress, rejectUnauthorized: false, agent: false }, (res) => {
      const pieces = [];
      res.on('data', (d) => pieces.push(`${d}`));
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, pieces }));
    });
    req.on('error', reject);
    req.end(body);
  });
}

async function withProxy(name, body, { keys = true } = {}) {
  const { file, secrets } = await keysFile(dir, { alice: {} });
  const more = { 'server.trusted_proxies': '127.0.0.1', 'server.partial_interval_ms': 100, 'server.max_body_bytes': 2000000, 'server.log_level': 'debug' };
  if (keys) more['server.keys_file'] = file;
  await withServer(fake(more), async (server) => {
    const port = await freePort();
    const child = spawn(...proxies[name](port, server));
    let said = '';
    for (const out of [child.stdout, child.stderr]) out.on('data', (d) => (said += d));
    const left = new Promise((resolve) => child.on('close', resolve));
    try {
      await until(async () => {
        assert.equal(child.exitCode, null, said);
        return (await request(port, '/readyz').catch(() => ({}))).status === 200;
      }, `${name} passes on: ${said}`);
      await body({ server, port, key: secrets.alice });
    } catch (e) {
      e.message += `\n--- ${name} ---\n${said}`;
      throw e;
    } finally {
      child.kill('SIGTERM');
      await left;
    }
  });
}

certify();
for (const name of Object.keys(proxies)) {
  const skip = fs.existsSync(`/usr/sbin/${name}`) ? false : `the Debian package ${name} is not installed`;
  const transcribe = (url, key, args = []) => run(['transcribe', '--server', url, ...args, at('recording.wav')], { env: { STENOPOOL_KEY: key } });

  test(`behind ${name} a session over TLS is heard as without it, and its client is known by its own address`, { skip }, () =>
    withProxy(name, async ({ server, port, key }) => {
      const [behind, alone] = await Promise.all([transcribe(`https://127.0.0.1:${port}`, key, ['--ca', at('proxy.pem')]), transcribe(`http://${server.address}`, key)]);
      assert.equal(behind.code, 0, behind.stderr);
      assert.equal(behind.stdout, alone.stdout);
      assert.equal((await request(port, '/v1/models', { localAddress: '127.0.0.2' })).status, 401);
      await server.says(/client 127\.0\.0\.2:\d+: refused/);
    }));

  test(`behind ${name} a file is heard as it comes, an answer streams, and what is too large is told by the server`, { skip }, () =>
    withProxy(name, async ({ port, key }) => {
      const file = fs.readFileSync(at('recording.wav'));
      const post = async (bytes) => {
        const form = new FormData();
        for (const [k, v] of Object.entries({ model: 'whisper-1', stream: 'true' })) form.set(k, v);
        form.set('file', new Blob([bytes]), 'recording.wav');
        const encoded = new Response(form);
        const headers = { 'Content-Type': encoded.headers.get('content-type'), Authorization: `Bearer ${key}`, 'Transfer-Encoding': 'chunked' };
        return request(port, '/v1/audio/transcriptions', { method: 'POST', headers, body: Buffer.from(await encoded.arrayBuffer()) });
      };
      const heard = await post(file);
      assert.equal(heard.status, 200, heard.pieces.join(''));
      assert.match(heard.pieces.join(''), /transcript\.text\.delta.*transcript\.text\.done.*\[DONE\]/s);
      assert.ok(heard.pieces.length > 1, 'it came in pieces');
      const large = await post(Buffer.alloc(3000000));
      assert.equal(large.status, 413);
      assert.match(large.pieces.join(''), /max_body_bytes 2000000/);
    }));

  test(`behind ${name} the page that came through it may open a session, and no other page`, { skip }, () =>
    withProxy(name, async ({ port }) => {
      const page = await request(port, '/');
      assert.deepEqual([page.status, page.headers['content-type']], [200, 'text/html; charset=utf-8']);
      const open = (Origin) => Client.open({ port, address: `127.0.0.1:${port}` }, { headers: { Origin },
        connect: () => tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }) });
      const c = await open(`https://127.0.0.1:${port}`);
      c.send({ type: 'start' });
      await c.event('ready');
      await c.finish();
      await assert.rejects(open('https://elsewhere.example'), (e) => e.status === 403);
    }, { keys: false }));
}
