// The native protocol's fine print: pings, commits, stops, slow engines, slow readers, frames in pieces.
import test from 'node:test';
import assert from 'node:assert/strict';
import { withServer, fake } from './lib/server.mjs';
import { Client, dictate, frame, TEXT, BINARY, PING } from './lib/client.mjs';
import { babble, join, silence } from './lib/speech.mjs';
import { encode } from './lib/audio.mjs';

const manual = { endpointing: 'manual' };

// An engine that never comes to the end of an utterance.
const endless = { 'pool.en.param.end_ms': 600000, 'pool.en.warmup': '' };

test('a ping is answered while the recogniser is at work', async () => {
  await withServer(fake(endless), async (s) => {
    const c = await Client.start(s, manual);
    c.audio(babble(600));
    c.send({ type: 'commit' });
    await c.event('speech_end');
    for (let i = 1; i <= 3; i++) {
      c.ping();
      await c.until(() => c.pongs === i, `pong ${i}`);
    }
    assert.deepEqual(c.finals, []);
    c.close();
  });
});

test('a ping is answered while the client waits in the queue', async () => {
  await withServer(fake({ 'pool.en.max': 1 }), async (s) => {
    const a = await Client.start(s);
    await a.event('ready');
    const b = await Client.start(s);
    await b.event('queued');
    b.audio(babble(500));
    b.ping();
    await b.until(() => b.pongs === 1, 'the pong');
    assert.deepEqual(b.all('ready'), []);
    await a.finish();
    await b.finish();
  });
});

// What an utterance is heard as, its times from its own beginning.
const relative = (f) => ({ text: f.text, words: f.words.map((w) => [w.text, w.start_ms - f.start_ms, w.end_ms - f.start_ms]), ms: f.end_ms - f.start_ms });

test('commit ends the utterance at the very byte it was sent behind', async () => {
  await withServer(fake(), async (s) => {
    const all = babble(3000);
    const cut = 12345; // samples; neither a hop nor a block ends there
    const c = await Client.start(s, manual);
    c.audio(all.subarray(0, cut), { chunk: 1000 });
    c.send({ type: 'commit' });
    c.audio(all.subarray(cut), { chunk: 1000 });
    const [first, second, ...more] = await c.finish();
    assert.deepEqual(more, []);
    assert.deepEqual([first.cause, second.cause], ['commit', 'stop']);
    assert.equal(second.start_ms, first.end_ms);
    const alone = [];
    for (const part of [all.subarray(0, cut), all.subarray(cut)]) alone.push((await dictate(s, part, manual)).finals[0]);
    assert.deepEqual([first, second].map((f) => f.text), alone.map((f) => f.text));
    assert.deepEqual(relative(first), relative(alone[0]));
  });
});

test('commits without audio between them make no utterances', async () => {
  await withServer(fake(), async (s) => {
    const c = await Client.start(s, manual);
    for (let i = 0; i < 5; i++) c.send({ type: 'commit' });
    c.audio(babble(500));
    for (let i = 0; i < 5; i++) c.send({ type: 'commit' });
    assert.equal((await c.finish()).length, 1);
    assert.equal(c.events.at(-1).utterances, 1);
  });
});

test('a session without audio is done with no utterances', async () => {
  await withServer(fake(), async (s) => {
    const c = await Client.start(s);
    await c.finish();
    assert.deepEqual(c.events.at(-1), { type: 'done', audio_ms: 0, utterances: 0 });
    assert.deepEqual(c.events.map((e) => e.type), ['ready', 'done']);
  });
});

test('silence alone is done with no utterances, and its length', async () => {
  await withServer(fake(), async (s) => {
    const c = await dictate(s, silence(1500));
    assert.deepEqual(c.events.at(-1), { type: 'done', audio_ms: 1500, utterances: 0 });
  });
});

test('what is said and stopped in the queue is heard when a place comes free', async () => {
  await withServer(fake({ 'pool.en.max': 1 }), async (s) => {
    const want = (await dictate(s, babble(900), manual)).text;
    const a = await Client.start(s);
    await a.event('ready');
    const [b, empty] = [await Client.start(s, manual), await Client.start(s)];
    await empty.event('queued');
    b.audio(babble(900));
    b.send({ type: 'stop' });
    empty.send({ type: 'stop' });
    b.ping();
    await b.until(() => b.pongs === 1, 'the server has read all of it');
    assert.deepEqual(b.all('done'), []);
    await a.finish();
    assert.deepEqual([(await b.end()).code, (await empty.end()).code], [1000, 1000]);
    assert.equal(b.text, want);
    assert.equal(empty.events.at(-1).utterances, 0);
  });
});

test('audio behind stop is not heard', async () => {
  await withServer(fake(), async (s) => {
    const want = (await dictate(s, babble(900), manual)).finals;
    const c = await Client.start(s, manual);
    c.audio(babble(900));
    c.send({ type: 'stop' });
    c.audio(babble(900, 5));
    await c.end();
    assert.equal(c.events.at(-1).type, 'done');
    assert.deepEqual(c.finals.map(relative), want.map(relative));
  });
});

test('a client faster than its recogniser is slowed, and loses no word', async () => {
  await withServer(fake({ 'pool.en.max': 1, 'server.session_buffer_ms': 1000, 'pool.en.queue_timeout_ms': 3600000 }), async (s) => {
    const format = { ...manual, encoding: 'pcm_f32le', sample_rate: 48000, channels: 2 };
    const flood = encode(join(...Array(80).fill(babble(6000))), 'pcm_f32le'); // 31 MB, 80 s
    const send = (c) => {
      for (let at = 0; at < flood.length; at += 1 << 18) c.binary(flood.subarray(at, at + (1 << 18)));
    };
    const alone = await Client.start(s, format);
    send(alone);
    await alone.finish();
    const a = await Client.start(s, manual);
    await a.event('ready');
    const b = await Client.start(s, format);
    await b.event('queued');
    send(b);
    b.send({ type: 'stop' });
    for (let i = 0; i < 3; i++) {
      a.audio(babble(2000));
      a.send({ type: 'commit' });
      await a.event('final', i);
      assert.ok(b.socket.writableLength > flood.length / 4, `${b.socket.writableLength} of ${flood.length} bytes are held back`);
    }
    await a.finish();
    assert.equal((await b.end()).code, 1000);
    assert.equal(b.socket.writableLength, 0);
    assert.ok(b.finals.length > 1 && b.finals.every((f) => f.words.length > 0));
    assert.deepEqual(b.finals.map(relative), alone.finals.map(relative));
  });
});

test('a client that never reads is dropped at send_buffer_bytes, and nobody else notices', async () => {
  await withServer(fake({ 'server.send_buffer_bytes': 65536, 'server.linger_timeout_ms': 100 }), async (s) => {
    const want = (await dictate(s, babble(2000))).finals.map(relative);
    const deaf = await Client.start(s);
    await deaf.event('ready');
    deaf.socket.pause();
    const other = await Client.start(s);
    await other.event('ready');
    const question = frame(PING, Buffer.alloc(125, 'x'));
    const many = Buffer.concat(Array.from({ length: 500 }, () => question));
    await s.until(async () => {
      if (deaf.socket.writableLength < 1 << 20) deaf.raw(many);
      return (await s.status()).sessions.length === 1;
    }, 'the deaf client is gone');
    other.audio(babble(2000));
    assert.deepEqual((await other.finish()).map(relative), want);
    await s.says(/send_buffer_bytes 65536/);
    deaf.vanish();
  });
});

test('messages in fragments, with pings between them, are heard as one', async () => {
  await withServer(fake(), async (s) => {
    const sound = babble(900);
    const want = (await dictate(s, sound, manual)).finals;
    const c = await Client.open(s);
    const start = Buffer.from(JSON.stringify({ type: 'start', ...manual }));
    const bytes = encode(sound, 'pcm_s16le');
    const pieces = (opcode, payload, cuts) => cuts.forEach((at, i) => {
      c.raw(frame(i === 0 ? opcode : 0, payload.subarray(at, cuts[i + 1] ?? payload.length), { fin: i === cuts.length - 1 }));
      c.ping();
    });
    pieces(TEXT, start, [0, 1, 1, 20]);
    pieces(BINARY, bytes, [0, 3, 1001, 1001, 20001]);
    assert.deepEqual((await c.finish()).map(relative), want.map(relative));
    assert.equal(c.pongs, 9);
  });
});

test('the first subprotocol a client offers is the one it gets, and extensions are not', async () => {
  await withServer(fake(), async (s) => {
    const headers = { 'Sec-WebSocket-Protocol': 'dictation, other', 'Sec-WebSocket-Extensions': 'permessage-deflate' };
    const c = await Client.open(s, { headers });
    assert.match(c.head, /^sec-websocket-protocol: dictation$/im);
    assert.doesNotMatch(c.head, /sec-websocket-extensions/i);
    c.send({ type: 'start' });
    await c.finish();
    const plain = await Client.open(s);
    assert.doesNotMatch(plain.head, /sec-websocket-protocol/i);
    plain.close();
    await plain.end();
  });
});
