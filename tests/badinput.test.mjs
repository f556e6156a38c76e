// Whatever a client gets wrong is answered in one sentence, ends that client, and disturbs nobody else.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { Server, fake, withServer } from './lib/server.mjs';
import { Client, dictate, frame, TEXT, BINARY } from './lib/client.mjs';
import { babble } from './lib/speech.mjs';
import { deadline } from './lib/wait.mjs';

let server;
let expected;
const sound = babble(800);

before(async () => {
  server = await Server.start(fake({ 'server.max_header_bytes': 4096 }));
  expected = (await dictate(server, sound, { endpointing: 'manual' })).text;
  assert.notEqual(expected, '');
});
after(async () => {
  assert.equal((await server.pool()).counts.places_taken, 0);
  await server.stop();
});

async function stillServes() {
  assert.equal((await dictate(server, sound, { endpointing: 'manual' })).text, expected);
}

// A client that says `messages` gets exactly one error with these words and is closed.
function refused(name, messages, code, words, close = 1008) {
  test(name, async () => {
    const c = await Client.open(server);
    for (const m of messages) Buffer.isBuffer(m) ? c.raw(m) : c.send(m);
    const how = await c.end();
    const errors = c.all('error');
    assert.equal(errors.length, 1, JSON.stringify(c.events));
    assert.equal(errors[0].code, code);
    assert.match(errors[0].message, words);
    assert.equal(how.code, close);
    await stillServes();
  });
}

const start = (fields) => ({ type: 'start', ...fields });

refused('what is not JSON is refused with the place', ['{"type":'], 'invalid', /^the message is not JSON: .* at byte \d+$/);
refused('a message without a type is refused with the types there are', [{ tipe: 'start' }], 'invalid',
  /must be a JSON object with a "type" of start, commit or stop/);
refused('an array is refused', [[1]], 'invalid', /must be a JSON object/);
refused('an unknown type is refused by name', [{ type: 'begin' }], 'invalid', /^type "begin" is not known; start, commit or stop$/);
refused('an unknown field is refused by name', [start({ samplerate: 16000 })], 'invalid', /^start has a field "samplerate" that is not known$/);
refused('a field twice is refused', ['{"type":"start","pool":"en","pool":"en"}'], 'invalid', /duplicate/);
refused('text for a number is refused', [start({ sample_rate: '16000' })], 'invalid', /^sample_rate must be a whole number, not text$/);
refused('a number for a flag is refused', [start({ partials: 1 })], 'invalid', /^partials must be true or false, not a number$/);
refused('half a hertz is refused', [start({ sample_rate: 16000.5 })], 'invalid', /^sample_rate must be a whole number/);
refused('sample rate 7 is refused with the range', [start({ sample_rate: 7 })], 'invalid', /sample_rate 7 .*8000 to 192000/);
refused('nine channels are refused with what is allowed', [start({ channels: 9 })], 'invalid', /channels 9 .*1 to 8/);
refused('an unknown encoding is refused with the known ones', [start({ encoding: 'mp3' })], 'invalid', /mp3.*pcm_s16le.*alaw/);
refused('a sensitivity of 2 is refused with the range', [start({ vad_sensitivity: 2 })], 'invalid', /vad_sensitivity 2 .*0 to 1/);
refused('a silence of 1 ms is refused with the range', [start({ post_silence_ms: 1 })], 'invalid', /post_silence_ms 1 .*100 to 10000/);
refused('unknown endpointing is refused with the kinds', [start({ endpointing: 'auto' })], 'invalid', /vad or manual/);
refused('an unknown pool is refused with the pools there are', [start({ pool: 'fr' })], 'invalid', /no pool "fr"; there is: en$/);
refused('adaptation that is no base64 is refused', [start({ adaptation: '***' })], 'invalid', /adaptation is not base64/);
refused('audio before start is refused', [frame(BINARY, Buffer.alloc(640))], 'invalid', /^audio came before start/);
refused('commit before start is refused', [{ type: 'commit' }], 'invalid', /^the first message must be start$/);
refused('a second start is refused', [start({}), start({})], 'invalid', /^start was sent twice/);
refused('a field in stop is refused', [start({}), { type: 'stop', now: true }], 'invalid', /^stop has a field "now"/);

// What breaks the WebSocket itself is answered with its close code.
function closed(name, bytes, code, words) {
  test(name, async () => {
    const c = await Client.start(server);
    await c.event('ready');
    c.raw(bytes);
    const how = await c.end();
    assert.equal(how.code, code);
    if (words) assert.match(how.reason, words);
    await stillServes();
  });
}

closed('a message of 100 MB is refused before it is read', Buffer.concat([frame(BINARY, Buffer.alloc(64), { length: 100e6 }), Buffer.alloc(4096)]),
  1009, /max_message_bytes 16777216/);
closed('a frame without a mask is refused', frame(TEXT, Buffer.from('{}'), { masked: false }), 1002);
closed('text that is not UTF-8 is refused', frame(TEXT, Buffer.from([0x22, 0xff, 0xfe, 0x22])), 1007);
closed('a continuation of nothing is refused', frame(0, Buffer.from('x')), 1002);
closed('an unknown opcode is refused', frame(5, Buffer.from('x')), 1002);
closed('a fragmented ping is refused', frame(9, Buffer.from('x'), { fin: false }), 1002);

test('half a frame and then nothing ends that client only', async () => {
  const c = await Client.start(server);
  await c.event('ready');
  c.raw(frame(BINARY, Buffer.alloc(640)).subarray(0, 300));
  c.socket.end();
  await server.until(async () => (await server.pool()).counts.places_taken === 0, 'the place is given back');
  await stillServes();
});

// Raw HTTP: what is written, and the answer up to the end of the connection.
function http(text, s = server) {
  const socket = net.connect(s.port, '127.0.0.1');
  let answer = '';
  socket.on('data', (d) => (answer += d));
  socket.on('error', () => {});
  socket.write(text);
  return deadline(new Promise((resolve) => socket.on('close', () => resolve(answer))), () => `an answer to ${text}: ${answer}`);
}
const upgrade = 'GET /v1/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n';

for (const [name, text, status, words] of [
  ['a path that is not there', 'GET /v2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 404, /nothing at \/v2/],
  ['another method than the path has', 'POST /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', 405, /Allow: GET/],
  ['a plain GET of the stream', 'GET /v1/stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 426, /WebSocket/],
  ['a WebSocket of another version', `${upgrade}Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`, 400, /[Vv]ersion/],
  ['a WebSocket key that is none', `${upgrade}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n`, 400, /[Kk]ey/],
  ['a request with two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400, /[Ll]ength/],
  ['a request with a length and chunks', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400, /.+/],
  ['a request without a host', 'GET / HTTP/1.1\r\n\r\n', 400, /[Hh]ost/],
  ['a header that is too long', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(5000)}\r\n\r\n`, 431, /max_header_bytes 4096/],
  ['what is not HTTP', '\x16\x03\x01\x02\x00\x01\r\n\r\n', 400, /.+/],
]) {
  test(`${name} is answered ${status}`, async () => {
    const answer = await http(text);
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.match(answer, words);
    await stillServes();
  });
}

test('a header that does not end is answered 408', async () => {
  await withServer(fake({ 'server.header_timeout_ms': 500 }), async (s) => {
    const answer = await http('GET / HTTP/1.1\r\nHost: x\r\n', s);
    assert.match(answer, /^HTTP\/1\.1 408 /);
    assert.match(answer, /header_timeout_ms 500/);
    assert.match(await http('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', s), /^HTTP\/1\.1 200 /);
  });
});
