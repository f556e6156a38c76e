// Files on their way in: slow ones, strange names, and what is refused before a handler has seen it.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { gzipSync } from 'node:zlib';
import { withServer, fake } from './lib/server.mjs';
import { babble, join, silence } from './lib/speech.mjs';
import { wav } from './lib/audio.mjs';
import { Peer } from './lib/hostile.mjs';

const speech = wav(join(babble(1500), silence(3000)));
const apis = [
  { name: 'openai', path: '/v1/audio/transcriptions', type: 'multipart/form-data; boundary=b', text: (body) => body.text,
    message: (body) => body.error.message, body: (bytes, name = 'a.wav') => Buffer.concat([
      Buffer.from(`--b\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n`), bytes, Buffer.from('\r\n--b--\r\n')]) },
  { name: 'deepgram', path: '/v1/listen', type: 'audio/wav', body: (bytes) => bytes, message: (body) => body.err_msg,
    text: (body) => body.results.channels[0].alternatives[0].transcript },
];

// Writes the body in pieces of `step` bytes with pauses between them.
function upload(server, api, body, { step = body.length, pause_ms = 0, headers = {}, path = api.path } = {}) {
  return new Promise((resolve, reject) => {
    const r = http.request({ port: server.port, method: 'POST', path,
      headers: { 'Content-Type': api.type, 'Content-Length': body.length, ...headers } }, (answer) => {
      let text = '';
      answer.on('data', (d) => (text += d)).on('end', () => resolve({ status: answer.statusCode, type: answer.headers['content-type'], text }));
    });
    r.on('error', reject);
    const next = (at) => {
      if (at >= body.length) return r.end();
      r.write(body.subarray(at, at + step));
      setTimeout(next, pause_ms, at + step);
    };
    next(0);
  });
}

test('slow-upload: a body that takes many times body_timeout_ms is taken, since it goes on', async () => {
  await withServer(fake({ 'server.body_timeout_ms': 1500 }), async (server) => {
    const answers = await Promise.all(apis.map(async (api) => {
      const body = api.body(speech);
      return [api, await upload(server, api, body, { step: Math.ceil(body.length / 60), pause_ms: 100 })];
    }));
    for (const [api, a] of answers) {
      assert.equal(a.status, 200, `${api.name}: ${a.text}`);
      assert.ok(api.text(JSON.parse(a.text)), api.name);
    }
  });
});

test('slow-upload: one that stops is refused in the words of its API', async () => {
  await withServer(fake({ 'server.body_timeout_ms': 300, 'server.header_timeout_ms': 300 }), async (server) => {
    for (const api of apis) {
      const late = await Peer.connect(server.port);
      late.raw(Buffer.from(`POST ${api.path} HTTP/1.1\r\nHost: a\r\nContent-Type: ${api.type}\r\nContent-Length: 9999\r\n\r\nab`));
      await late.untilEnd(api.name);
      const header = await Peer.connect(server.port);
      header.raw(Buffer.from(`POST /${api.path}/?a=b HTTP/1.1\r\nHost: a\r\nContent-T`));
      await header.untilEnd(api.name);
      for (const [peer, setting] of [[late, 'body_timeout_ms 300'], [header, 'header_timeout_ms 300']]) {
        const [head, body] = peer.received.toString().split('\r\n\r\n');
        assert.match(head, /^HTTP\/1\.1 408 [^]*Content-Type: application\/json/);
        assert.ok(api.message(JSON.parse(body)).includes(setting), body);
      }
    }
  });
});

test('long-file-name: the name of an uploaded file makes no difference', async () => {
  await withServer(fake(), async (server) => {
    const [api] = apis;
    for (const name of ['会'.repeat(90), '会'.repeat(255), 'é'.repeat(2000), '', '../../etc/passwd', 'a;b=c', 'a\\"b']) {
      const a = await upload(server, api, api.body(speech, name));
      assert.equal(a.status, 200, `${name}: ${a.text}`);
      assert.ok(JSON.parse(a.text).text);
    }
  });
});

test('a compressed body is refused by name, in the words of its API', async () => {
  await withServer(fake(), async (server) => {
    for (const api of apis) {
      const a = await upload(server, api, gzipSync(api.body(speech)), { headers: { 'Content-Encoding': 'gzip' } });
      assert.equal(a.status, 415, a.text);
      assert.match(api.message(JSON.parse(a.text)), /^Content-Encoding 'gzip' is not supported/);
    }
  });
});

test('slashes in a row, and at the end of a path, make no difference', async () => {
  await withServer(fake(), async (server) => {
    for (const api of apis)
      for (const path of [`${api.path}/`, `/${api.path}`, api.path.replaceAll('/', '//'), `${api.path}//?x=`]) {
        const a = await upload(server, api, api.body(speech), { path });
        assert.equal(a.status, 200, `${path}: ${a.text}`);
      }
    for (const path of ['/healthz/', '//healthz', '/v1/models/', '/v1//models/en', '/v1/models/en/', '///'])
      assert.equal((await fetch(`http://${server.address}${path}`)).status, 200, path);
  });
});
