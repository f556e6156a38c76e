// Each protocol met by clients without manners: whoever misbehaves is told why where its protocol has a form for that, and
// leaves alone. Meanwhile a client of the same protocol that came before is heard as ever, and afterwards nothing is left.
import test, { before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { Server, withServer, fake } from './lib/server.mjs';
import { frame, TEXT, BINARY, CLOSE, PING } from './lib/client.mjs';
import { babble, silence, join } from './lib/speech.mjs';
import { wav } from './lib/audio.mjs';
import { deadline, until } from './lib/wait.mjs';
import { Peer, Valve, announce, handshake } from './lib/hostile.mjs';
import { protocols, requests, form, event, listenArgs } from './lib/hostile_rows.mjs';

const MESSAGE_MAX = 1 << 20;
const BODY_MAX = 2 << 20;
const PASSED_BYTES = 24000; // of a well-behaved client, before the others come
const settings = {
  'pool.en.max': 64, 'pool.en.idle_ttl_ms': 100, 'server.max_message_bytes': MESSAGE_MAX, 'server.max_body_bytes': BODY_MAX, 'server.max_header_bytes': 4096,
  'server.deepgram_timeout_ms': 600000, 'server.decoder_max_audio_s': 20, 'server.decoder_timeout_ms': 5000,
};
const speech = join(babble(1000, 1), silence(800), babble(1000, 2), silence(300));
const clip = { samples: speech, rate: 16000, words: '' };
const piece = speech.subarray(1600, 3200);

let server;
const expected = new Map(); // what is heard when there is nobody else
const family = () => server.processes().length;
const descriptors = () => fs.readdirSync(`/proc/${server.child.pid}/fd`).length;
let quiet;

before(async () => {
  server = await Server.start([...listenArgs, ...fake(settings)]);
  for (const p of [...protocols, ...requests]) expected.set(p, await withBystander(p, Infinity, async () => {}));
  for (const text of expected.values()) assert.notEqual(text, '');
  quiet = await settled();
});
after(async () => server.stop());

// Once nothing changes any more: { processes, descriptors }.
async function settled() {
  await server.checkSums();
  await server.until(async () => {
    const { counts } = await server.pool();
    return counts.starting === 0 && counts.idle === 1;
  }, 'no instance is idle but the spare one');
  return { processes: family(), descriptors: descriptors() };
}

async function nothingIsLeft() {
  await server.checkSums();
  await server.until(() => family() <= quiet.processes && descriptors() <= quiet.descriptors,
    `there are ${quiet.processes} processes and ${quiet.descriptors} descriptors again`).catch((e) => {
    throw new Error(`${e.message.slice(0, 200)}: ${family()} processes, ${descriptors()} descriptors`);
  });
}

// `body` runs when a client of that protocol has sent a part of its audio; it sends the rest then. Resolves with its text.
async function withBystander(p, room, body, at = server) {
  const valves = {};
  for (const [name, port] of Object.entries({ main: at.port, ...at.ports })) valves[name] = await Valve.before(port, room);
  const { main, ...own } = valves;
  const ports = Object.fromEntries(Object.entries(own).map(([name, v]) => [name, v.port]));
  const all = Object.values(valves);
  try {
    const text = p.transcribe({ ...at, port: main.port, address: `127.0.0.1:${main.port}`, ports }, clip);
    text.catch(() => {});
    if (room !== Infinity) await Promise.race([until(() => all.some((v) => v.isFull), 'the well-behaved client has begun'), text]);
    await body();
    for (const v of all) v.open();
    return await text;
  } finally {
    for (const v of all) v.stop();
  }
}

// A test of what is done to a protocol while somebody uses it.
function attack(p, name, body, options = {}) {
  test(`${p.name}: ${name}`, options, async () => {
    try {
      assert.equal(await withBystander(p, PASSED_BYTES, body), expected.get(p), 'the client that was there before is heard as ever');
    } catch (e) {
      e.message += `\n--- the server's log ---\n${server.log.slice(-3000)}`;
      throw e;
    } finally {
      for (const peer of peers) peer.vanish();
      peers.clear();
    }
  });
}

// ---- what clients do

const phases = (p) => ['opened', 'begun', 'talking', ...(p.end ? ['ended'] : [])];

const peers = new Set(); // of the test at work; they are gone at its end
async function bring(p, phase) {
  const peer = p.path ? await Peer.open(p.port(server), p.path) : await Peer.connect(p.port(server));
  peers.add(peer);
  const order = phases(p);
  const at = order.indexOf(phase);
  if (at >= 1) for (const m of p.before) peer.raw(p.say(m));
  if (at >= 1 && p.opening) peer.raw(p.opening);
  if (at >= 2) for (let i = 0; i < 10; i++) peer.raw(p.audio(speech.subarray(1600 * i, 1600 * (i + 1))));
  if (at >= 3) peer.raw(p.say(p.end));
  return peer;
}

const fate = (p, peer, what) => p.path ? peer.fate(undefined, undefined, what)
  : peer.fate(event('ping', { text: 'there?' }), () => /pong[^]*there\?/.test(peer.received.toString('latin1')), what);

// Closed with a reason, or there as before. Then it is gone.
async function toldOrTolerated(p, peer, what) {
  const how = await fate(p, peer, what);
  if (p.path && how === 'ended') {
    assert.notEqual(peer.closed, null, `${what}: there was no close frame`);
    if (peer.closed.code !== 1000) assert.notEqual(peer.closed.reason, '', `${what}: ${JSON.stringify(peer.closed)}`);
    assert.ok(peer.closed.code !== 1011, `${what}: it was no fault of the server ${JSON.stringify(peer.closed)}`);
  } else if (how === 'ended') {
    assert.match(peer.received.toString('latin1'), /error|transcript/, `${what}: it was told`);
  }
  peer.vanish();
  return how;
}

// Several at once, but not all.
async function each(list, one, atOnce = 12) {
  const rest = [...list];
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (rest.length > 0) await one(rest.shift());
  }));
}

const raw = (opcode, text) => frame(opcode, Buffer.isBuffer(text) ? text : Buffer.from(text));

// ---- broken frames

// A header is looked at once a byte follows it.
const announced = (...args) => Buffer.concat([announce(...args), Buffer.from('x')]);
const brokenFrames = [
  ['announces 2^40 bytes', announced(BINARY, 1n << 40n), 1009],
  ['announces 2^63 bytes', announced(BINARY, 1n << 63n), 1002],
  ['announces 2^64 - 1 bytes of text', announced(TEXT, (1n << 64n) - 1n), 1002],
  ['is one byte too long', raw(BINARY, Buffer.alloc(MESSAGE_MAX + 1)), 1009],
  ['is one byte too long in two frames', Buffer.concat([frame(BINARY, Buffer.alloc(MESSAGE_MAX), { fin: false }), raw(0, 'x')]), 1009],
  ['has a ping of 126 bytes', raw(PING, Buffer.alloc(126)), 1002],
  ['has no mask', frame(TEXT, Buffer.from('{}'), { masked: false }), 1002],
  ['has reserved bits', Buffer.from([0xc1, 0x80, 0, 0, 0, 0]), 1002],
  ['is of an unknown kind', raw(3, 'x'), 1002],
  ['continues nothing', raw(0, 'x'), 1002],
  ['begins within another', Buffer.concat([frame(TEXT, Buffer.from('{'), { fin: false }), raw(TEXT, '}')]), 1002],
  ['is no UTF-8', raw(TEXT, Buffer.from([0x22, 0xc3, 0x28, 0x22])), 1007],
  ['is UTF-8 of a surrogate', raw(TEXT, Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])), 1007],
  ['ends within a character', raw(TEXT, Buffer.from([0x22, 0xe2, 0x82])), 1007],
  ['is no UTF-8 where two frames meet', Buffer.concat([frame(TEXT, Buffer.from([0x22, 0xe2]), { fin: false }), raw(0, Buffer.from([0x22]))]), 1007],
  ['closes with one byte', raw(CLOSE, 'x'), 1002],
  ['closes with a code that may not be sent', raw(CLOSE, Buffer.from([0x03, 0xee])), 1002],
  ['closes with a reason that is no UTF-8', raw(CLOSE, Buffer.from([0x03, 0xe8, 0xff])), 1007],
];

function attackFrames(p) {
  attack(p, 'a broken frame ends its client with the code and a reason', async () => {
    const cases = ['opened', 'talking'].flatMap((phase) => brokenFrames.map((f) => [phase, ...f]));
    await each(cases, async ([phase, name, bytes, code]) => {
      const peer = await bring(p, phase);
      peer.raw(bytes);
      await peer.untilEnd(`${phase}: one that ${name}`);
      assert.equal(peer.closed?.code, code, `${phase}: ${name}: ${JSON.stringify(peer.closed)}`);
      assert.notEqual(peer.closed.reason, '', name);
      peer.vanish();
    });
  });
}

// ---- messages that are none

const deep = (open, close = '', n = 100000) => open.repeat(n) + close.repeat(n);
const wrongTexts = ['', ' ', '{', '}', '[]', '[[]]', 'null', '1', '"x"', '{}', '{"":""}', '{"type":', '{"type":null}', '{"type":{}}', '{"type":[]}', '{"event":7}',
  '{"command":{}}', '{"config":7}', '{"config":{}}', '{"eof":{}}', '{"type":"x"}', '{"a":1,"a":2}', '{"type":"\\u0000"}', '{"type":"a\\u0000b"}', '{"\\u0000":1}', '{"type":"\\ud800"}',
  '\0', '{"type":"x"}\0', '{"type"\0:"x"}', '1e999', '{"type":1e999}', '{"type":123456789012345678901234567890}', 'NaN', deep('['), deep('{"a":'), deep('[', ']'), deep('{"type":[', ']}'),
  `{"type":"${'x'.repeat(200000)}"}`, `{"${'y'.repeat(200000)}":1}`, `{${Array.from({ length: 20000 }, (_, i) => `"k${i}":${i}`).join()}}`, '\ufeff{}', 'END_OF_AUDI', 'Done!'];

function attackTexts(p) {
  attack(p, 'what is no message is refused in words or tolerated', async () => {
    await each(['opened', 'talking'].flatMap((phase) => wrongTexts.map((t) => [phase, t])), async ([phase, t]) => {
      const peer = await bring(p, phase);
      peer.raw(p.say(t));
      await toldOrTolerated(p, peer, `${phase}: ${t.slice(0, 60)}`);
    });
  });
}

// The message with each of its values replaced by each of these, one at a time; what says its kind stays.
const wrongValues = [null, true, -1, 0, 1e308, -1e308, 2 ** 53, 0.5, '', 'a\u0000b', '\u0000', '\ud800', '\uffff', '%s%n', '../../x', 'x'.repeat(70000), [], [[]], {}, { a: { a: 1 } },
  Array.from({ length: 5000 }, () => 0)];
function* mutants(message) {
  for (const key of Object.keys(message)) {
    if (['type', 'event', 'command'].includes(key) && typeof message[key] === 'string') continue;
    for (const value of wrongValues) yield { ...message, [key]: value };
    if (message[key] !== null && typeof message[key] === 'object' && !Array.isArray(message[key]))
      for (const inner of mutants(message[key])) yield { ...message, [key]: inner };
  }
}

function attackValues(p) {
  attack(p, 'a value of the wrong kind in any field is refused in words or tolerated', async () => {
    const cases = [];
    p.before.forEach((m, i) => { for (const wrong of mutants(m)) cases.push([...p.before.slice(0, i), wrong, ...p.before.slice(i + 1)]); });
    for (const m of [...p.more, ...(typeof p.end === 'object' ? [p.end] : [])]) for (const wrong of mutants(m)) cases.push([...p.before, wrong]);
    await each(cases, async (messages) => {
      const peer = await bring(p, 'opened');
      for (const m of messages) peer.raw(p.say(m));
      peer.raw(p.audio(piece));
      await toldOrTolerated(p, peer, JSON.stringify(messages.at(-1)).slice(0, 300));
    });
  });
}

// ---- wrong order

function attackOrder(p) {
  const say = p.say, begin = p.before.map(say), audio = p.audio(piece), end = p.end ? [say(p.end)] : [], more = p.more.map(say);
  attack(p, 'what comes in the wrong order is refused in words or tolerated', async () => {
    const cases = {
      'audio first': [audio], 'audio, then the beginning': [audio, ...begin], 'the end first': end, 'the end twice': [...end, ...end],
      'the beginning twice': [...begin, ...begin], 'the beginning twice, with audio': [...begin, audio, ...begin, audio],
      'the end of nothing': [...begin, ...end, ...end], 'audio behind the end': [...begin, audio, ...end, audio, audio], 'all behind the end': [...begin, audio, ...end, ...begin, audio, ...end],
      'the beginning backwards': [...begin].reverse(), 'all else first': [...more, ...begin, audio], 'all else behind': [...begin, audio, ...end, ...more], 'all else, often': Array(200).fill([...begin.slice(0, 1), ...more]).flat(),
      'a binary message of nothing': p.path ? [raw(BINARY, '')] : [], 'a binary message of one byte': p.path ? [raw(BINARY, 'x')] : [], 'RIFF and nothing': p.path ? [raw(BINARY, 'RIFF'), raw(BINARY, 'RIFF')] : [],
      'a WAV header that lies': p.path ? [...begin, raw(BINARY, badWav())] : [],
    };
    await each(Object.entries(cases), async ([name, frames]) => {
      const peer = await bring(p, 'opened');
      for (const f of frames) peer.raw(f);
      const how = await toldOrTolerated(p, peer, name);
      if (p.needsBegin && name === 'audio first') assert.equal(how, 'ended');
    });
  });
}

function badWav() {
  const b = Buffer.from(wav(piece));
  b.writeUInt32LE(0xffffffff, 4);
  b.writeUInt32LE(0xffffffff, 16); // of its format
  return b;
}

// ---- very many, very small

async function inOneByteFragments(bytes) {
  return Buffer.concat(Array.from(bytes, (b, i) => Buffer.concat([frame(i === 0 ? TEXT : 0, Buffer.from([b]), { fin: i === bytes.length - 1 }), ...(i % 16 === 0 ? [raw(PING, 'x')] : [])])));
}

function attackTiny(p) {
  attack(p, 'thousands of tiny frames are taken, or refused in words', async () => {
    const many = {
      'bytes one by one': Array(5000).fill(raw(BINARY, 'x')), 'empty messages': Array(5000).fill(raw(BINARY, '')), 'empty texts': Array(5000).fill(raw(TEXT, '')),
      pings: Array(5000).fill(raw(PING, 'x')), 'empty fragments': [frame(BINARY, Buffer.alloc(0), { fin: false }), ...Array(5000).fill(frame(0, Buffer.alloc(0), { fin: false })), raw(0, '')],
      'audio sample by sample': Array(2000).fill(p.audio(speech.subarray(1600, 1602))),
    };
    await each(Object.entries(many), async ([name, frames]) => {
      const peer = await bring(p, 'begun');
      peer.raw(Buffer.concat(frames));
      await toldOrTolerated(p, peer, name);
    });
  });
  if (p.before.length > 0)
    attack(p, 'messages in fragments of one byte, with pings between them, are messages', async () => {
      const peer = await bring(p, 'opened');
      for (const m of p.before) peer.raw(await inOneByteFragments(Buffer.from(JSON.stringify(m))));
      peer.raw(p.audio(piece));
      assert.equal(await fate(p, peer, 'fragments'), 'alive', JSON.stringify(peer.closed));
      peer.vanish();
    });
}

// ---- those who leave

function attackLeaving(p) {
  const unfinished = p.path ? announce(BINARY, 100n) : Buffer.from('{"type":"audio-chunk","payload_length":100}\n1234');
  attack(p, 'whoever vanishes, in whatever phase, is forgotten', async () => {
    await each(phases(p).flatMap((phase) => [[phase, Buffer.alloc(0)], [phase, unfinished]]), async ([phase, rest]) => {
      const peer = await bring(p, phase);
      peer.raw(rest);
      if (rest.length === 0) await fate(p, peer, phase); // it has been read
      peer.vanish();
    });
    const greeting = await Peer.connect(p.port(server));
    greeting.raw((p.path ? handshake(p.path) : Buffer.from('{"type":"tran')).subarray(0, 40));
    greeting.vanish();
  });
  attack(p, 'whoever closes its half of the connection, in whatever phase, is ended', async () => {
    await each(phases(p).flatMap((phase) => [[phase, Buffer.alloc(0)], [phase, unfinished]]), async ([phase, rest]) => {
      const peer = await bring(p, phase);
      peer.raw(rest);
      peer.half();
      await peer.untilEnd(`${phase}: half closed`);
    });
    const greeting = await Peer.connect(p.port(server));
    greeting.raw((p.path ? handshake(p.path) : Buffer.from('{"type":"tran')).subarray(0, 40));
    greeting.half();
    await greeting.untilEnd('half a greeting');
  });
}

// ---- conversations that break off, or are not what was sent

const conversation = (p) => Buffer.concat([...(p.path ? [handshake(p.path)] : []), ...p.before.map(p.say), ...(p.opening ? [p.opening] : []), p.audio(piece), p.audio(piece),
  ...p.more.map(p.say), ...(p.end ? [p.say(p.end)] : [])]);

// The same at each run, and others for each seed.
function* numbers(seed) {
  for (let n = seed; ; yield n >>> 8) n = (Math.imul(n, 1664525) + 1013904223) >>> 0;
}
const noise = (bytes, seed) => {
  const random = numbers(seed);
  return Buffer.from(Array.from({ length: bytes }, () => random.next().value & 255));
};

// As if a whole conversation came in one packet, broken by `how` at byte n. No more is asked than that this hurts nobody else.
async function broken(port, bytes, n, how) {
  const peer = await Peer.connect(port);
  peers.add(peer);
  if (how === 'flip') return { peer, bytes: Buffer.concat([bytes.subarray(0, n), Buffer.from([bytes[n] ^ (1 << (n % 8))]), bytes.subarray(n + 1)]) };
  return { peer, bytes: how === 'noise' ? Buffer.concat([bytes.subarray(0, n), noise(2000, n)]) : bytes.subarray(0, n) };
}

function* places(bytes, n, seed) {
  const random = numbers(seed);
  for (let i = 0; i < n; i++) yield random.next().value % Math.min(bytes.length, i % 2 ? bytes.length : 700); // half of them early, where most is decided
}

async function breakAnywhere(port, bytes) {
  const hows = ['leave', 'half', 'noise', 'flip'];
  const cases = [...places(bytes, 160, 7)].map((n, i) => [n, hows[i % hows.length]]);
  cases.push([bytes.length, 'leave'], [bytes.length, 'half']);
  await each(cases, async ([n, how]) => {
    const { peer, bytes: sent } = await broken(port, bytes, n, how);
    await new Promise((resolve) => peer.socket.write(sent, resolve));
    if (how === 'leave') return peer.vanish();
    peer.half();
    return peer.untilEnd(`${how} at ${n} of ${bytes.length} bytes`);
  });
}

function attackAnywhere(p) {
  attack(p, 'a conversation that breaks off, ends, or turns into noise at any byte hurts nobody else', () => breakAnywhere(p.port(server), conversation(p)));
}

// ---- wrong handshakes

const wrongQueries = ['%', '%zz=1', 'a=%00', 'encoding=%00', 'encoding=linear16&sample_rate=99999999999999999999', 'encoding=linear16&sample_rate=-1', 'encoding=linear16&sample_rate=0', 'encoding=linear16&sample_rate=16000&channels=0',
  'encoding=linear16&sample_rate=16000&channels=1000000000', 'encoding=linear16&sample_rate=16000&multichannel=true&channels=255', 'encoding=opus&sample_rate=16000', 'utterance_end_ms=99999999999', 'endpointing=1e308', 'token=%ff%fe', 'model=%ff',
  `callSid=${'x'.repeat(3000)}`, '&&&&', '=', '====', `${'a&'.repeat(1500)}`, 'language=%00en', 'intent=%00', 'callSid=%', 'pool=%2e%2e%2f', 'model=a&model=b&model=c', 'keywords=a:1e308', 'callback=http://127.0.0.1:1/'];
const wrongHeaders = ['Sec-WebSocket-Protocol: ,,,,', `Sec-WebSocket-Protocol: ${'a'.repeat(3000)}`, `Sec-WebSocket-Protocol: ${'a,'.repeat(1400)}`, 'Sec-WebSocket-Protocol: token, \xff', 'Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.',
  `Authorization: Bearer ${'x'.repeat(3000)}`, 'Authorization: Basic !!!', 'Authorization:', 'Authorization: Token', 'Origin: null', 'Origin: :::', 'X-Forwarded-For: 1,,,2', 'Content-Length: 0', 'Transfer-Encoding: x', 'Expect: 100-continue',
  'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=999999', 'Sec-WebSocket-Key: x', 'Sec-WebSocket-Version: 12', 'Host: y', 'Connection: close', ': x', ' x: y', 'a b: c'];

function attackHandshake(p) {
  attack(p, 'a wrong handshake is refused in words or tolerated', async () => {
    const path = p.path.split('?')[0];
    const cases = [...wrongQueries.map((q) => handshake(`${path}?${q}`)), handshake(`${path}/../..%00`), handshake(`${path}%ff`),
      ...wrongHeaders.map((h) => Buffer.from(handshake(p.path).toString('latin1').replace('\r\nUpgrade', `\r\n${h}\r\nUpgrade`), 'latin1'))];
    await each(cases, async (bytes) => {
      const what = bytes.toString('latin1').slice(0, 160);
      const peer = await Peer.connect(p.port(server));
      peers.add(peer);
      peer.raw(bytes);
      await until(() => peer.received.includes('\r\n\r\n') || peer.ended, `an answer to ${what}`);
      const answered = peer.received.toString('latin1');
      assert.match(answered, /^HTTP\/1\.1 (101|[1-5]\d\d) /, what);
      if (!answered.startsWith('HTTP/1.1 101')) {
        assert.match(answered, /^HTTP\/1\.1 (4\d\d|501) /, what);
        await until(() => /\r\n\r\n.*\w+ \w+/.test(peer.received.toString('latin1')) || peer.ended, `words for ${what}`);
        assert.match(peer.received.toString('latin1'), /\r\n\r\n.*\w+ \w+/, what);
      } else {
        peer.raw(Buffer.concat(p.before.map(p.say)));
        peer.raw(p.audio(piece));
        peer.half();
        await peer.untilEnd(what);
      }
      peer.vanish();
    });
  });
}

// ---- base64 and packets that are none

function attackBase64(p) {
  attack(p, 'base64 that is none is refused in words or tolerated', async () => {
    await each(['*', '***', '****', 'A', 'AA', 'AAA', 'A===', '====', 'AAAA====', 'AAAA*AAA', 'AA=A', '\u0000\u0000\u0000\u0000', 'äöüß', '-_-_', 'AAAA\nAAAA', ' AAAA', 'A'.repeat(500001), '='.repeat(4000)], async (t) => {
      const peer = await bring(p, p.name === 'native' ? 'opened' : 'begun');
      peer.raw(p.say(p.text64(t)));
      await toldOrTolerated(p, peer, t.slice(0, 20));
    });
  });
}

function attackPackets(p) {
  attack(p, 'packets whose metadata is none are refused in words or tolerated', async () => {
    const length = (n, rest = '') => {
      const b = Buffer.alloc(4);
      b.writeUInt32LE(n >>> 0);
      return raw(BINARY, Buffer.concat([b, Buffer.from(rest)]));
    };
    const cases = [length(0), length(0xffffffff), length(0x7fffffff, '{}'), length(3, '{}'), length(2, '{}'), length(1, '{'), length(4, 'null'), length(100000, deep('[')), raw(BINARY, 'ab'),
      ...[{}, { sampleRate: 0 }, { sampleRate: -1 }, { sampleRate: 1e308 }, { sampleRate: 7 }, { sampleRate: '16000' }, { sampleRate: null }, { sampleRate: 16000, channels: 0 }, { sampleRate: 16000, channels: 1e9 },
        { sampleRate: 16000, format: 'mp3\u0000' }, { sampleRate: 16000, frames: 1e18 }, { sampleRate: 16000, server_sent_to_stt: 1e308 }].map((meta) => p.packet(meta, 3))];
    await each(cases.entries(), async ([i, bytes]) => {
      const peer = await bring(p, 'begun');
      peer.raw(bytes);
      await toldOrTolerated(p, peer, `packet ${i}`);
    });
  });
}

// ---- Wyoming's lines

const gigabytes = 8 * 2 ** 30;
const wrongLines = {
  'a line of 70000 bytes': 'x'.repeat(70000), 'a payload of gigabytes': `{"type":"audio-chunk","payload_length":${gigabytes}}\n`, 'data of gigabytes': `{"type":"audio-chunk","data_length":${gigabytes}}\n`,
  'both over one message': `{"type":"audio-chunk","data_length":${MESSAGE_MAX},"payload_length":1}\n`, 'a length of 2^63': '{"type":"x","payload_length":9223372036854775808}\n', 'a length of 2^64 - 1': '{"type":"x","data_length":18446744073709551615}\n',
  'lengths that overflow': '{"type":"x","data_length":9223372036854775807,"payload_length":9223372036854775807}\n', 'a length below 0': '{"type":"x","payload_length":-1}\n', 'a length that is text': '{"type":"x","data_length":"1"}\n',
  'half a length': '{"type":"x","data_length":1.5}\n', 'data that is no JSON': '{"type":"transcribe","data_length":3}\n{{{', 'data that is no object': '{"type":"transcribe","data_length":2}\n[]', 'no UTF-8': Buffer.from('{"type":"\xff\xfe"}\n', 'latin1'),
  'data that is no UTF-8': Buffer.concat([Buffer.from('{"type":"transcribe","data_length":15}\n'), Buffer.from('{"language":"\xff"}', 'latin1')]), 'a NUL': '{"type":"a\0b"}\n', 'HTTP': 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'TLS': Buffer.from('16030100a5010000a1', 'hex'),
  'empty lines': '\n'.repeat(5000), 'tiny events': '{"type":"x"}\n'.repeat(5000),
};

function attackLines(p) {
  attack(p, 'a wrong line, data or length is refused in words or tolerated', async () => {
    await each(['opened', 'talking'].flatMap((phase) => Object.entries(wrongLines).map((l) => [phase, ...l])), async ([phase, name, bytes]) => {
      const peer = await bring(p, phase);
      peer.raw(Buffer.from(bytes));
      await toldOrTolerated(p, peer, `${phase}: ${name}`);
    });
  });
}

for (const p of protocols) {
  describe(p.name, () => {
    if (p.path) attackFrames(p);
    else attackLines(p);
    attackTexts(p);
    attackValues(p);
    attackOrder(p);
    if (p.path) attackTiny(p);
    attackLeaving(p);
    attackAnywhere(p);
    if (p.path) attackHandshake(p);
    if (p.text64) attackBase64(p);
    if (p.packet) attackPackets(p);
    test(`${p.name}: nothing is left of them`, nothingIsLeft);
  });
}

// ---- requests

const noFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'there is no ffmpeg';

const head = (r, fields) => `POST ${r.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${Object.entries({ 'Content-Type': r.type, ...fields }).map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`;
const whole = (r, body, fields = {}) => Buffer.concat([Buffer.from(head(r, { 'Content-Length': body.length, ...fields })), Buffer.from(body)]);

async function answer(bytes, what, half = false) {
  const peer = await Peer.connect(server.port);
  peer.raw(bytes);
  if (half) peer.half();
  await deadline(peer.untilEnd(what), () => what);
  const text = peer.received.toString();
  peer.vanish();
  return { text, status: Number(text.split(' ')[1]), body: text.slice(text.indexOf('\r\n\r\n') + 4) };
}

async function refused(bytes, what, statuses = [400, 411, 413, 415, 422]) {
  const a = await answer(bytes, what);
  assert.ok(statuses.includes(a.status), `${what}: ${a.text.slice(0, 400)}`);
  if (a.status !== 200) assert.match(a.body, /\w+ \w+/, `${what}: it is told why`);
}

const wrongHeads = {
  'announces 2^40 bytes': [{ 'Content-Length': 2 ** 40 }, [413]], 'announces more than a number has': [{ 'Content-Length': '9'.repeat(40) }, [400, 413]], 'announces -1 bytes': [{ 'Content-Length': -1 }, [400]],
  'announces one byte too much': [{ 'Content-Length': BODY_MAX + 1 }, [413]], 'has a chunk of 2^64 - 1 bytes': [{ 'Transfer-Encoding': 'chunked' }, [400, 413], 'ffffffffffffffff\r\n'],
  'has a chunk of more than a number': [{ 'Transfer-Encoding': 'chunked' }, [400, 413], `${'f'.repeat(40)}\r\n`], 'has a chunk that is none': [{ 'Transfer-Encoding': 'chunked' }, [400], 'xyz\r\n'],
  'has chunks over the most': [{ 'Transfer-Encoding': 'chunked' }, [413], `${BODY_MAX.toString(16)}\r\n${'x'.repeat(BODY_MAX)}\r\n1\r\nx\r\n`], 'has a NUL in its header': [{ X: 'a\0b', 'Content-Length': 0 }, [400]],
};

function wrongBodies(r) {
  const lies = (offset, value, size = 4) => {
    const b = Buffer.from(wav(piece));
    b.writeUIntLE(value, offset, size);
    return b;
  };
  const bodies = {
    'no body': '', 'a WAV header alone': wav(piece).subarray(0, 44), 'half a WAV header': wav(piece).subarray(0, 20), 'a rate of 0': lies(24, 0), 'a rate of 2^32 - 1': lies(24, 0xffffffff), 'no channels': lies(22, 0, 2), '65535 channels': lies(22, 65535, 2),
    'no bits': lies(34, 0, 2), 'a format of 4 GB': lies(16, 0xffffffff), 'data of 4 GB': lies(40, 0xffffffff), 'what is like Ogg': Buffer.concat([Buffer.from('OggS'), Buffer.alloc(3000, 0xff)]), 'what is like FLAC': Buffer.concat([Buffer.from('fLaC'), Buffer.alloc(3000, 0x7f)]),
    'what is like WebM': Buffer.concat([Buffer.from('1a45dfa301ffffffffffffff', 'hex'), Buffer.alloc(3000, 0xee)]), 'what is like MP4': Buffer.concat([Buffer.from('00000018667479706d703432', 'hex'), Buffer.alloc(3000, 0xff)]), 'what is like MP3': Buffer.concat([Buffer.from('ID3\x04\0\0\x7f\x7f\x7f\x7f', 'latin1'), Buffer.alloc(3000, 0xaa)]),
    text: 'x'.repeat(3000), zeros: Buffer.alloc(100000),
  };
  return Object.entries(bodies).map(([name, b]) => [name, whole(r, r.wrap(Buffer.from(b)))]);
}

const part = (headers, body = 'x') => `--b\r\n${headers}\r\n\r\n${body}\r\n`;
const named = (name, body) => part(`Content-Disposition: form-data; name="${name}"`, body);
const wrongForms = {
  'no form': 'hello', 'an empty form': '--b--\r\n', 'a form without an end': form(wav(piece)).subarray(0, 2000), 'a form without a file': named('model') + '--b--\r\n', '3000 parts': named('x').repeat(3000) + '--b--\r\n', 'a name with a NUL': named('a\0b') + '--b--\r\n',
  'a part without a name': part('Content-Type: text/plain') + '--b--\r\n', 'a part with a header of 100 kB': part(`X: ${'y'.repeat(100000)}`) + '--b--\r\n', 'a name that does not end': '--b\r\nContent-Disposition: form-data; name="x\r\n\r\nx\r\n--b--\r\n', 'a boundary in a boundary': '--b--b--b\r\n',
  'a part that announces gigabytes': part(`Content-Disposition: form-data; name="file"\r\nContent-Length: ${gigabytes}`) + '--b--\r\n', 'a field that is no UTF-8': form(wav(piece), Buffer.from(named('response_format', '\xff\xfe'), 'latin1').toString('latin1')),
  'a format that is none': form(wav(piece), named('response_format', 'x\0y')), 'a temperature that is none': form(wav(piece), named('temperature', 'NaN')), 'a temperature of 1e308': form(wav(piece), named('temperature', '1e308')), 'JSON': '{"model":"whisper-1"}',
};

// What is small and becomes long, made once.
const bombs = new Map();
function bomb(codec, container, seconds) {
  if (!bombs.has(container)) bombs.set(container, execFileSync('ffmpeg', ['-nostdin', '-loglevel', 'error', '-f', 'lavfi', '-i', 'anullsrc=r=8000:cl=mono', '-t', seconds, '-c:a', codec, '-f', container, '-'], { maxBuffer: 1 << 24 }));
  return bombs.get(container);
}

for (const r of requests) {
  describe(r.name, () => {
    attack(r, 'a length that is none, or too much, is refused before it is there', async () => {
      await each(Object.entries(wrongHeads), async ([name, [fields, statuses, body = '']]) => refused(Buffer.from(head(r, fields) + body), name, statuses));
    });
    attack(r, 'a body that is no recording is refused in words or heard', async () => {
      const cases = r.name === 'openai rest' ? [...wrongBodies(r), ...Object.entries(wrongForms).map(([name, b]) => [name, whole(r, Buffer.from(b))])] : wrongBodies(r);
      await each(cases, async ([name, bytes]) => refused(bytes, name, [200, 400, 411, 413, 415, 422]), 6);
    });
    if (r.name === 'openai rest')
      attack(r, 'a form whose boundary is none is refused', async () => {
        await each(['multipart/form-data', 'multipart/form-data; boundary=', `multipart/form-data; boundary=${'b'.repeat(3000)}`, 'multipart/form-data; boundary="', 'text/plain', 'multipart/form-data; boundary=\x01'], async (type) =>
          refused(whole(r, form(wav(piece)), { 'Content-Type': type }), type.slice(0, 60)));
      });
    attack(r, 'a small file that becomes hours is refused, and names the setting', async () => {
      for (const [codec, container, seconds] of [['flac', 'flac', '3600'], ['libopus', 'ogg', '120']]) {
        const bytes = bomb(codec, container, seconds);
        assert.ok(bytes.length < BODY_MAX, `${container}: ${bytes.length}`);
        const a = await answer(whole(r, r.wrap(bytes)), container);
        assert.ok(a.status >= 400 && a.status < 500, a.text);
        assert.match(a.body, /decoder_max_audio_s 20/);
      }
    }, { skip: noFfmpeg });
    attack(r, 'whoever vanishes or closes its half, wherever it is in the request, is forgotten', async () => {
      const bytes = whole(r, r.wrap(Buffer.from(wav(speech))));
      await each([10, 60, 300, 30000, bytes.length].flatMap((n) => [[n, false], [n, true]]), async ([n, half]) => {
        const peer = await Peer.connect(server.port);
        peer.raw(bytes.subarray(0, n));
        if (!half) {
          await new Promise((resolve) => peer.socket.write('', resolve));
          peer.vanish();
          return;
        }
        peer.half();
        await peer.untilEnd(`half closed after ${n} of ${bytes.length} bytes`);
      });
    });
    attack(r, 'a request that breaks off, ends, or turns into noise at any byte hurts nobody else', () => breakAnywhere(server.port, whole(r, r.wrap(Buffer.from(wav(piece))))));
    test(`${r.name}: nothing is left of them`, nothingIsLeft);
  });
}

// ---- slow ones

// Writes byte by byte, so that it is never silent, until the server has had enough: one whenever the server has answered another.
async function drip(s, peer, bytes) {
  for (let i = 0; !peer.ended; i++) {
    peer.raw(Buffer.from([bytes[i % bytes.length]]));
    await s.metrics().catch(() => {}); // on a slow machine its own header is late too
  }
}

test('whoever drips its header, its body or nothing is ended, and whoever does not is heard meanwhile', async () => {
  const impatient = { ...settings, 'server.header_timeout_ms': 1500, 'server.body_timeout_ms': 1500, 'server.start_timeout_ms': 1500 };
  await withServer([...listenArgs, ...fake(impatient)], async (s) => {
    const slow = [];
    const note = (name, answered, work) => slow.push(work().then((peer) => {
      const got = peer.closed ? JSON.stringify(peer.closed) : peer.received.toString('latin1');
      assert.match(got, answered, name);
    }));
    const ports = new Set(protocols.filter((p) => p.path).map((p) => p.port(s)));
    for (const port of ports)
      note(`a dripped header at ${port}`, /^HTTP\/1\.1 408 [^]*header_timeout_ms 1500/, async () => {
        const peer = await Peer.connect(port);
        await drip(s, peer, Buffer.concat([Buffer.from('GET / HTTP/1.1\r\n'), Buffer.alloc(12000, 'X-A: y\r\n')]));
        return peer;
      });
    for (const r of requests)
      note(`a dripped body to ${r.path}`, /^HTTP\/1\.1 408 [^]*body_timeout_ms 1500/, async () => {
        const peer = await Peer.connect(s.port);
        peer.raw(Buffer.from(head(r, { 'Content-Length': 100000 })));
        await drip(s, peer, Buffer.from('--b\r\n'));
        return peer;
      });
    for (const p of protocols.filter((one) => one.needsBegin))
      note(`${p.name} without a start`, /"code":1008.*start_timeout_ms 1500/, async () => {
        const peer = await Peer.open(p.port(s), p.path);
        await peer.untilEnd(`${p.name} without a start`);
        return peer;
      });
    for (const p of protocols.filter((one) => one.line))
      note(`${p.name} whose first line drips`, /start_timeout_ms 1500/, async () => {
        const peer = await Peer.connect(p.port(s));
        await drip(s, peer, Buffer.from('{"type":    '));
        return peer;
      });
    await Promise.all([...slow, ...[...protocols, ...requests].map(async (p) => assert.equal(await withBystander(p, Infinity, async () => {}, s), expected.get(p), p.name))]);
  });
});
