// The transcribe command at a server with TLS and keys: what it needs, and what it says when that is not there.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Server, fake, run } from './lib/server.mjs';
import { Client } from './lib/client.mjs';
import { keysFile, bearer } from './lib/keys.mjs';
import { wav } from './lib/audio.mjs';
import { babble } from './lib/speech.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-transcribe-'));
const file = (name, bytes) => {
  fs.writeFileSync(path.join(dir, name), bytes);
  return path.join(dir, name);
};
const sound = babble(1000);
const recording = file('sound.wav', wav(sound));
const certificate = path.join(dir, 'certificate.pem');
const key = path.join(dir, 'key.pem');

let server;
let ports;
let secret;
let expected;
test.before(async () => {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=speech',
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate], { stdio: 'pipe' });
  const keys = await keysFile(dir, { alice: {} });
  secret = keys.secrets.alice;
  server = await Server.start(['--listen', 'stenopool=127.0.0.1:0',
    ...fake({ 'listen.listen2.certificate': certificate, 'listen.listen2.key': key, 'server.keys_file': keys.file })]);
  const secure = Number((await server.says(/listening (?:for \S+ )?on https:\/\/127\.0\.0\.1:(\d+)/))[1]);
  ports = { secure, clear: server.port };
  const c = await Client.start(server, {}, bearer(secret));
  c.audio(sound);
  await c.finish();
  expected = c.text;
  assert.notEqual(expected, '');
});
test.after(async () => {
  await server.stop({ sums: false });
  fs.rmSync(dir, { recursive: true });
});

const transcribe = (url, args = [], env = { STENOPOOL_KEY: secret }) =>
  run(['transcribe', '--server', url, ...args, recording], { env });

for (const scheme of ['https', 'wss']) {
  test(`${scheme}:// with a certificate that is trusted gives the text`, async () => {
    const r = await transcribe(`${scheme}://127.0.0.1:${ports.secure}`, ['--ca', certificate]);
    assert.deepEqual([r.stdout, r.code], [`${expected}\n`, 0], r.stderr);
  });
}

test('a long recording goes over TLS as it goes in the clear', async () => {
  const long = file('long.wav', wav(babble(60000)));
  const [secure, clear] = await Promise.all([[`https://127.0.0.1:${ports.secure}`, '--ca', certificate], [`http://127.0.0.1:${ports.clear}`]]
    .map(([url, ...args]) => run(['transcribe', '--server', url, ...args, long], { env: { STENOPOOL_KEY: secret } })));
  assert.equal(secure.code, 0, secure.stderr);
  assert.equal(secure.stdout, clear.stdout);
  assert.ok(secure.stdout.split(' ').length > 100, secure.stdout);
});

test('the key may be the first line of a file, and goes before that of the environment', async () => {
  const args = ['--key-file', file('my.key', `${secret}\r\nmore\n`)];
  const r = await transcribe(`ws://127.0.0.1:${ports.clear}`, args, { STENOPOOL_KEY: 'sp_wrong' });
  assert.deepEqual([r.stdout, r.code], [`${expected}\n`, 0], r.stderr);
});

const rows = [
  ['no key', () => [`http://127.0.0.1:${ports.clear}`, [], {}], 1, /the server answered 401: /],
  ['a wrong key', () => [`http://127.0.0.1:${ports.clear}`, [], { STENOPOOL_KEY: 'sp_wrong' }], 1, /the server answered 401: /],
  ['a certificate that nobody trusts', () => [`https://127.0.0.1:${ports.secure}`], 1,
    /no TLS with 127\.0\.0\.1:\d+: its certificate is not trusted: self-signed certificate\n/],
  ['the certificate of another host', () => [`https://localhost:${ports.secure}`, ['--ca', certificate]], 1,
    /no TLS with localhost:\d+: its certificate is not trusted: hostname mismatch\n/],
  ['TLS where none is spoken', () => [`https://127.0.0.1:${ports.clear}`, ['--ca', certificate]], 1,
    /no TLS with 127\.0\.0\.1:\d+: it speaks no TLS \(wrong version number\)\n/],
  ['no TLS where it is spoken', () => [`http://127.0.0.1:${ports.secure}`], 1, /the server answered 400: this address speaks TLS: write https:\/\//],
  ['a file of certificates that has none', () => [`https://127.0.0.1:${ports.secure}`, ['--ca', recording]], 2, /sound\.wav' has no certificate in PEM/],
  ['a file of certificates that is not there', () => [`https://127.0.0.1:${ports.secure}`, ['--ca', '/no/such']], 2, /cannot read the TLS certificate '\/no\/such'/],
  ['certificates for a server in the clear', () => [`http://127.0.0.1:${ports.clear}`, ['--ca', certificate]], 2, /--ca is for wss:\/\/ and https:\/\/ only/],
  ['a file of keys that is not there', () => [`http://127.0.0.1:${ports.clear}`, ['--key-file', '/no/such']], 2, /cannot read --key-file '\/no\/such'/],
  ['an empty key', () => [`http://127.0.0.1:${ports.clear}`, ['--key-file', file('empty', '\n')]], 2, /the key in \S+empty is empty/],
  ['a key with a space', () => [`http://127.0.0.1:${ports.clear}`, [], { STENOPOOL_KEY: 'a b' }], 2, /the key in STENOPOOL_KEY has a character that no key has/],
  ['a key that is too long', () => [`http://127.0.0.1:${ports.clear}`, ['--key-file', file('long', 'k'.repeat(600))]], 2, /the key in \S+long is longer than 511 characters/],
];
for (const [name, ask, code, says] of rows) {
  test(`${name} is told in a sentence`, async () => {
    const r = await transcribe(...ask());
    assert.equal(r.code, code, r.stderr);
    assert.match(r.stderr, says);
    assert.equal(r.stdout, '');
  });
}
