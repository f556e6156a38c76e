// The command line: what a person can get wrong, and the transcribe command with every kind of file.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Server, run, withServer, fake } from './lib/server.mjs';
import { dictate } from './lib/client.mjs';
import { babble } from './lib/speech.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-cli-'));
test.after(() => fs.rmSync(dir, { recursive: true }));

function file(name, content) {
  const at = path.join(dir, name);
  fs.writeFileSync(at, content);
  return at;
}

async function fails(args, code, words, options) {
  const r = await run(args, options);
  assert.equal(r.code, code, r.stderr);
  assert.match(r.stderr, words);
  assert.ok(!/Sanitizer|runtime error/.test(r.stderr), r.stderr);
}

// ---- where it listens ----

const noIPv6 = Object.values(os.networkInterfaces()).flat().some((i) => i.address === '::1') ? false : 'this machine has no [::1]';
test('localhost is 127.0.0.1 and [::1], at the same port', { skip: noIPv6 }, async () => {
  await withServer(['--listen', 'vosk=localhost:0', ...fake()], async (server) => {
    const [, v4] = server.log.match(/listening for vosk on ws:\/\/127\.0\.0\.1:(\d+)/);
    const [, v6] = server.log.match(/listening for vosk on ws:\/\/\[::1\]:(\d+)/);
    assert.equal(v4, v6);
    for (const host of ['127.0.0.1', '[::1]']) assert.ok((await fetch(`http://${host}:${v4}/`)).status >= 400, host);
  });
});
test('--listen says which listeners of the file it takes the place of', async () => {
  const conf = file('listens.conf', '[listen main]\naddress = 127.0.0.1:0\n[listen v]\naddress = 127.0.0.1:0\nprotocol = vosk\n');
  await withServer(['-c', conf, ...fake()], async (server) => {
    assert.match(server.log, /warn .*\[listen main\] of the settings file is ignored, since --listen is given/);
    assert.match(server.log, /warn .*\[listen v\] of the settings file is ignored/);
  });
});

// ---- settings ----

for (const [name, text, words] of [
  ['an unknown key is named with its line and its likely meaning', '[pool en]\nmx = 3\n', /:2: \[pool en\] mx: there is no such setting; did you mean max\?/],
  ['a value out of range is named with the range', '[pool en]\n\nmax = 0\n', /:3: \[pool en\] max: .*0.*1 to 1024/],
  ['an unknown section is named', '[poool en]\nmax = 1\n', /:\d+: .*poool/],
  ['a word for a number is named', '[vad]\npost_silence_ms = long\n', /:2: \[vad\] post_silence_ms: .*long/],
  ['more instances kept than allowed is named', '[pool en]\nmin = 9\nmax = 2\n', /min.*max/],
]) {
  test(`settings: ${name}`, () => fails(['serve', '-c', file('bad.conf', text), '--check'], 2, words));
}
test('settings: a file that is not there is named', () => fails(['serve', '-c', '/no/such.conf'], 2, /\/no\/such\.conf: .*No such file/));
test('settings: a wrong --set is named', () => fails(['serve', '--set', 'pool.en.max=many'], 2, /pool\.en\.max: .*many/));
test('settings: --check says when all is well', async () => {
  const r = await run(['serve', '-c', file('good.conf', '[pool en]\nengine = fake\nmax = 3\n'), '--check']);
  assert.deepEqual([r.code, r.stdout], [0, 'the settings are in order\n']);
});
test('settings: --help-config is itself a file that is in order', async () => {
  const help = await run(['serve', '--help-config']);
  assert.equal(help.code, 0);
  const all = help.stdout.replace(/^;(?=[a-z_.]+ =)/gm, '');
  assert.equal((await run(['serve', '-c', file('all.conf', help.stdout), '--check'])).code, 0);
  assert.ok(all.length < help.stdout.length);
});

test('a port that is in use is named', async () => {
  await withServer(fake(), async (s) => {
    await fails(['serve', '--listen', s.address, '--set', 'pool.en.engine=fake'], 1,
      new RegExp(`cannot listen on ${s.address}: address already in use`));
  });
});
test('an address that is none is named', () => fails(['serve', '--listen', 'nowhere'], 2, /nowhere/));
test('an unknown command is named', () => fails(['listen'], 2, /listen/));
test('an unknown option shows the usage', () => fails(['serve', '--port', '1'], 2, /usage: stenopool serve/));

// ---- transcribe ----

const rate = 16000;
const sound = babble(1000);

function wav(format, bits, data, { channels = 1, hz = rate, extensible = false } = {}) {
  const fmt = Buffer.alloc(extensible ? 40 : 16);
  fmt.writeUInt16LE(extensible ? 0xfffe : format, 0);
  fmt.writeUInt16LE(channels, 2);
  fmt.writeUInt32LE(hz, 4);
  fmt.writeUInt32LE((hz * channels * bits) / 8, 8);
  fmt.writeUInt16LE((channels * bits) / 8, 12);
  fmt.writeUInt16LE(bits, 14);
  if (extensible) {
    fmt.writeUInt16LE(22, 16);
    fmt.writeUInt16LE(bits, 18);
    fmt.writeUInt16LE(format, 24);
    Buffer.from('000000001000800000aa00389b71', 'hex').copy(fmt, 26);
  }
  const chunk = (id, body) => {
    const head = Buffer.alloc(8);
    head.write(id, 0, 'latin1');
    head.writeUInt32LE(body.length, 4);
    return Buffer.concat([head, body, Buffer.alloc(body.length & 1)]);
  };
  const body = Buffer.concat([Buffer.from('WAVE'), chunk('fmt ', fmt), chunk('LIST', Buffer.from('odd')), chunk('data', data)]);
  return Buffer.concat([chunk('RIFF', body).subarray(0, 8), body]);
}

const each = (samples, bytes, write) => {
  const b = Buffer.alloc(samples.length * bytes);
  samples.forEach((v, i) => write(b, v, i * bytes));
  return b;
};
const s16 = each(sound, 2, (b, v, at) => b.writeInt16LE(v, at));

function mulaw(v) {
  const sign = v < 0 ? 0x80 : 0;
  let x = Math.min(Math.abs(v), 32635) + 132;
  let exponent = 7;
  for (let mask = 0x4000; !(x & mask) && exponent > 0; mask >>= 1) exponent--;
  return ~(sign | (exponent << 4) | ((x >> (exponent + 3)) & 15)) & 255;
}
function alaw(v) {
  const sign = v >= 0 ? 0x80 : 0;
  let x = Math.min(Math.abs(v), 32635) >> 3;
  let exponent = 7;
  for (let mask = 0x800; !(x & mask) && exponent > 0; mask >>= 1) exponent--;
  return (sign | (exponent << 4) | ((x >> (exponent > 0 ? exponent : 1)) & 15)) ^ 0x55;
}

const files = {
  '16 bit': wav(1, 16, s16),
  '24 bit': wav(1, 24, each(sound, 3, (b, v, at) => b.writeIntLE(v * 256, at, 3)), { extensible: true }),
  '32 bit': wav(1, 32, each(sound, 4, (b, v, at) => b.writeInt32LE(v * 65536, at))),
  float: wav(3, 32, each(sound, 4, (b, v, at) => b.writeFloatLE(v / 32768, at))),
};
const coarse = {
  '8 bit': wav(1, 8, each(sound, 1, (b, v, at) => b.writeUInt8((v >> 8) + 128, at))),
  'mu-law': wav(7, 8, each(sound, 1, (b, v, at) => b.writeUInt8(mulaw(v), at))),
  'A-law': wav(6, 8, each(sound, 1, (b, v, at) => b.writeUInt8(alaw(v), at))),
};

let server;
let expected;
test.before(async () => {
  server = await Server.start(fake({ 'pool.en.max': 3 }));
  expected = (await dictate(server, sound)).text;
  assert.notEqual(expected, '');
});
test.after(() => server.stop());

const transcribe = (args, options) => run(['transcribe', '--server', `ws://${server.address}`, ...args], options);

for (const [name, bytes] of Object.entries(files)) {
  test(`transcribe: a WAV of ${name} samples gives the text of its samples`, async () => {
    const r = await transcribe([file(`${name}.wav`, bytes)]);
    assert.deepEqual([r.code, r.stdout, r.stderr], [0, `${expected}\n`, '']);
  });
}
for (const [name, bytes] of Object.entries(coarse)) {
  test(`transcribe: a WAV of ${name} samples gives as many words`, async () => {
    const r = await transcribe([file(`${name}.wav`, bytes)]);
    assert.equal(r.code, 0, r.stderr);
    assert.equal(r.stdout.trim().split(' ').length, expected.split(' ').length);
  });
}

test('transcribe: raw samples and a WAV on standard input', async () => {
  for (const input of [s16, files['16 bit']]) {
    const r = await transcribe(['-'], { input });
    assert.deepEqual([r.code, r.stdout], [0, `${expected}\n`], r.stderr);
  }
});

test('transcribe: several files are several clients, each line with its file', async () => {
  const names = ['a', 'b', 'c', 'd'].map((n) => file(`${n}.wav`, files['16 bit']));
  const r = await transcribe(names);
  assert.equal(r.code, 0, r.stderr);
  assert.deepEqual(r.stdout.trim().split('\n').sort(), names.map((n) => `${n}: ${expected}`));
});

test('transcribe: --json shows every event with its file', async () => {
  const name = file('json.wav', files['16 bit']);
  const r = await transcribe(['--json', name]);
  const events = r.stdout.trim().split('\n').map((l) => JSON.parse(l));
  assert.ok(events.every((e) => e.file === name));
  assert.deepEqual([events[0].type, events.at(-1).type], ['ready', 'done']);
  assert.equal(events.find((e) => e.type === 'final').text, expected);
});

test('transcribe: --realtime gives the same text', async () => {
  const r = await transcribe(['--realtime', file('live.wav', files['16 bit'])]);
  assert.deepEqual([r.code, r.stdout], [0, `${expected}\n`]);
});

test('transcribe: an unknown pool is told as the server words it', async () => {
  const r = await transcribe(['--pool', 'fr', file('p.wav', files['16 bit'])]);
  assert.equal(r.code, 1);
  assert.match(r.stderr, /there is no pool "fr"; there is: en/);
});
test('transcribe: a file that is not there is named, and the others are heard', async () => {
  const r = await transcribe([file('here.wav', files['16 bit']), '/no/such.wav']);
  assert.equal(r.code, 1);
  assert.match(r.stderr, /\/no\/such\.wav: .*[Nn]o such file/);
  assert.match(r.stdout, new RegExp(expected));
});
test('transcribe: a file that is no audio is named', async () => {
  const r = await transcribe([file('x.wav', 'RIFF\0\0\0\0JUNKnothing at all')]);
  assert.equal(r.code, 1);
  assert.match(r.stderr, /x\.wav: /);
});
test('transcribe: no server there is said', () =>
  fails(['transcribe', '--server', 'ws://127.0.0.1:1', file('n.wav', files['16 bit'])], 1, /cannot connect to 127\.0\.0\.1:1: connection refused/));
test('transcribe: a wrong option shows the usage', () => fails(['transcribe', '--fast'], 2, /--fast is no option; see stenopool transcribe --help/));
