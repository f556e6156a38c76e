import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { withServer, fake, set } from './lib/server.mjs';
import { BINARY, Client, TEXT, frame } from './lib/client.mjs';
import { wav } from './lib/audio.mjs';
import { keysFile } from './lib/keys.mjs';
import { until } from './lib/wait.mjs';
import { Vosk, bytesOf, textOf, transcribe } from './lib/protocols/vosk.mjs';
import { babble, clip, fault, join, sentences, silence, speak } from './lib/speech.mjs';
import { assertSaid } from './lib/words.mjs';

const withVosk = (args, body, options) => withServer(['--listen', 'vosk=127.0.0.1:0', ...args], body, options);
const real = set({ 'pool.en.max': 2 });
const at16k = { config: { sample_rate: 16000 } };

test('vosk finals: a real clip in lock-step gives its words, and the end is in order', () =>
  withVosk(real, async (server) => {
    assertSaid(await transcribe(server, clip('goforward')), clip('goforward').words);
  }));

test('vosk finals: a pause ends a result, and eof brings only what is left', () =>
  withVosk(fake(), async (server) => {
    const v = await Vosk.open(server, at16k);
    const answers = await v.dictate(bytesOf(join(babble(1500, 1), silence(1500), babble(1500, 2), silence(100))));
    const finals = answers.filter((a) => a.text);
    assert.equal(finals.length, 2);
    assert.equal(answers.at(-1).text, finals[1].text, 'the second is the answer to eof');
    assert.ok(answers.findIndex((a) => a.text) < answers.length - 1);
  }));

test('vosk finals: utterances that nobody has been told of come in one answer to eof', () =>
  withVosk(fake(), async (server) => {
    const v = await Vosk.open(server, at16k);
    // One message: its answer is the first result, the others wait.
    v.client.binary(bytesOf(join(babble(1500, 1), silence(1500), babble(1500, 2), silence(1500), babble(1500, 3), silence(1500))));
    const first = await v.answer();
    const last = await v.eof();
    assert.ok(first.text.length > 0);
    const n = (text) => text.split(' ').length;
    assert.equal(last.result.length, n(last.text));
    assert.ok(n(last.text) > n(first.text));
    const starts = last.result.map((w) => w.start);
    assert.deepEqual(starts, [...starts].sort((a, b) => a - b), 'times go on across utterances');
  }));

test('vosk partials: one answer to each message, and what is heard grows in them', () =>
  withVosk(fake(), async (server) => {
    const v = await Vosk.open(server, at16k);
    const answers = await v.dictate(bytesOf(babble(4000)), { size: 1600 });
    const partials = answers.filter((a) => 'partial' in a);
    assert.equal(answers.length, 80 + 1);
    assert.deepEqual(answers[0], { partial: '' });
    assert.ok(partials.some((p) => p.partial.length > 0), 'something is heard before the end');
    for (const a of answers) assert.deepEqual(Object.keys(a).filter((k) => !['partial', 'text', 'result'].includes(k)), []);
  }));

test('vosk word times: words have conf, start and end in seconds, and none where they are not wanted', () =>
  withVosk(fake(), async (server) => {
    const audio = bytesOf(join(silence(1000), babble(2000), silence(1000)));
    const v = await Vosk.open(server, at16k);
    const final = (await v.dictate(audio)).find((a) => a.text);
    assert.equal(final.result.map((w) => w.word).join(' '), final.text);
    for (const w of final.result) {
      assert.deepEqual(Object.keys(w).sort(), ['conf', 'end', 'start', 'word']);
      assert.ok(w.start >= 0.5 && w.start <= w.end && w.end <= 4, JSON.stringify(w));
    }
    const plain = await Vosk.open(server, { config: { sample_rate: 16000.0, words: 0 } });
    const bare = (await plain.dictate(audio)).find((a) => a.text);
    assert.deepEqual(Object.keys(bare), ['text']);
    assert.equal(bare.text, final.text);
  }));

test('vosk word times: with max_alternatives a result has its alternatives, and no confidence of words', () =>
  withVosk(fake(), async (server) => {
    const v = await Vosk.open(server, { config: { sample_rate: 16000, max_alternatives: 3 } });
    const answers = await v.dictate(bytesOf(join(babble(2000), silence(1000))));
    const final = answers.find((a) => a.alternatives);
    assert.deepEqual(Object.keys(final), ['alternatives']);
    assert.ok(final.alternatives[0].text.length > 0);
    assert.deepEqual(Object.keys(final.alternatives[0].result[0]).sort(), ['end', 'start', 'word']);
  }));

test('vosk commit: reset brings the result at once, and the connection goes on', () =>
  withVosk(fake(), async (server) => {
    const v = await Vosk.open(server, at16k);
    await v.chunk(bytesOf(babble(1500, 1)));
    v.client.send('{"reset" : 1}');
    const first = await v.answer();
    assert.ok(first.text.length > 0);
    v.client.send({ reset: true });
    assert.deepEqual(await v.answer(), { text: '' }, 'nothing is left to tell');
    const rest = await v.dictate(bytesOf(babble(1500, 2)));
    assert.ok(textOf(rest).length > 0);
  }));

// The recogniser takes a moment for each final, so that all three are asked for before the first has come.
test('vosk commit: resets that are sent without waiting are each answered, and the connection goes on', () =>
  withVosk(fake({ 'pool.en.param.end_ms': 300 }), async (server) => {
    const v = await Vosk.open(server, at16k);
    await v.chunk(bytesOf(babble(1500, 1)));
    for (let i = 0; i < 3; i++) v.client.send('{"reset" : 1}');
    const answers = [await v.answer(), await v.answer(), await v.answer()];
    assert.ok(answers[0].text.length > 0);
    assert.deepEqual(answers.slice(1), [{ text: '' }, { text: '' }]);
    assert.ok(textOf(await v.dictate(bytesOf(babble(1500, 2)))).length > 0);
  }));

test('vosk commit: a reset within an utterance that has failed is answered', () =>
  withVosk(fake({ 'server.poison_dir': '' }), async (server) => {
    const v = await Vosk.open(server, at16k);
    await v.chunk(bytesOf(join(babble(700, 1), fault('fail'), babble(700, 1))));
    await server.untilMetric('utterances_failed_total', 1);
    assert.deepEqual(await v.chunk(bytesOf(babble(200, 1))), { partial: '' }, 'what is lost is not told as heard');
    v.client.send('{"reset" : 1}');
    assert.deepEqual(await v.answer(), { text: '' });
    assert.ok(textOf(await v.dictate(bytesOf(babble(1500, 2)))).length > 0);
  }));

test('vosk end: eof without audio is answered with an empty result', () =>
  withVosk(fake(), async (server) => {
    const v = await Vosk.open(server);
    assert.deepEqual(await v.eof(), { text: '' });
  }));

test('vosk sample rates: 8000 Hz is what a client has that sends no config', () =>
  withVosk(real, async (server) => {
    const all = clip('goforward').samples;
    const half = all.filter((_, i) => i % 2 === 0);
    const v = await Vosk.open(server);
    const answers = await v.dictate(bytesOf(half), { size: 3200 });
    const words = answers.flatMap((a) => a.result ?? []);
    assert.ok(words.length > 0);
    assert.ok(words.at(-1).end <= all.length / 16000 + 0.1, 'times are of 8 kHz audio');
  }));

test('vosk sample rates: the rate of a listener is a setting', () =>
  withVosk(fake({ 'listen.listen2.sample_rate': 16000 }), async (server) => {
    const v = await Vosk.open(server);
    const w = (await v.dictate(bytesOf(join(babble(2000), silence(1000))))).flatMap((a) => a.result ?? []);
    assert.ok(w.length > 0 && w.at(-1).end <= 3, JSON.stringify(w));
  }));

test('vosk sample rates: another rate in a later config holds from there on', () =>
  withVosk(fake(), async (server) => {
    const v = await Vosk.open(server, at16k);
    await v.chunk(bytesOf(babble(1000, 1)));
    v.client.send({ config: { sample_rate: 8000 } });
    const answers = await v.dictate(bytesOf(babble(2000, 2).filter((_, i) => i % 2 === 0)));
    const words = answers.flatMap((a) => a.result ?? []);
    assert.ok(words.at(-1).end <= 3.1, 'one second of the first and two of the second');
    assert.ok(words.at(-1).end >= 2);
  }));

test('vosk sample rates: a WAV file sent header and all is heard at the rate it says', () =>
  withVosk(real, async (server) => {
    const file = fs.readFileSync(clip('goforward').file);
    const v = await Vosk.open(server);
    const answers = await v.dictate(file, { size: 4001 });
    assert.equal(answers.length, Math.ceil(file.length / 4001) + 1);
    assertSaid(textOf(answers), clip('goforward').words);
  }));

test('vosk sample rates: a WAV header of which only the beginning comes takes nobody down', () =>
  withVosk(fake(), async (server) => {
    for (const text of ['{"eof":1}', '{"reset":1}', '{"config":{"sample_rate":16000}}']) {
      const v = await Vosk.open(server);
      assert.deepEqual(await v.chunk(Buffer.from('RIFF')), { partial: '' });
      v.client.send(text);
      if (text.includes('reset')) assert.deepEqual(await v.answer(), { text: '' });
      if (!text.includes('eof')) v.client.send('{"eof":1}');
      assert.deepEqual(await v.answer(), { text: '' }, text);
      assert.equal((await v.client.end()).code, 1000);
    }
    const v = await Vosk.open(server);
    const file = wav(babble(1500));
    await v.chunk(file.subarray(0, 20));
    v.client.send('{"reset":1}');
    assert.deepEqual(await v.answer(), { text: '' });
    const words = (await v.dictate(file.subarray(20))).flatMap((a) => a.result ?? []);
    assert.ok(words.length > 0 && words.at(-1).end <= 1.6, 'at the rate that its rest says');
  }));

test('vosk queue: a client that waits for a place gets no answer before, and then all', () =>
  withVosk(fake({ 'pool.en.max': 1 }), async (server) => {
    const first = await Vosk.open(server, at16k);
    await first.chunk(bytesOf(babble(500, 1)));
    const second = await Vosk.open(server, at16k);
    second.client.binary(bytesOf(babble(500, 2)));
    await server.until(async () => (await server.status()).sessions.some((s) => s.state === 'queued'), 'the second waits');
    assert.equal(second.client.events.length, 0);
    await first.eof();
    await second.answer();
    assert.ok((await second.eof()).text.length > 0);
  }));

test('vosk queue: one that is too many is closed with the reason', () =>
  withVosk(fake({ 'pool.en.max': 1, 'pool.en.queue_max': 0 }), async (server) => {
    const first = await Vosk.open(server, at16k);
    await first.chunk(bytesOf(babble(500, 1)));
    const second = await Vosk.open(server, at16k);
    second.client.binary(Buffer.alloc(320));
    const { code, reason } = await second.client.end();
    assert.equal(code, 1013);
    assert.match(reason, /queue_max|busy|wait/);
    assert.equal(second.client.events.length, 0, 'an answer that is none would confuse a lock-step client');
    await first.eof();
  }));

test('vosk errors: text that is nothing of the protocol ends that client with a sentence', () =>
  withVosk(fake(), async (server) => {
    for (const [text, why] of [
      ['nonsense', /not JSON/],
      ['[]', /must be a JSON object, not an array/],
      ['{"what":1}', /must be \{"config"/],
      ['{"config":3}', /config must be a JSON object, not a number/],
      ['{"config":{"sample_rate":11.5}}', /whole number from 8000 to 192000/],
      ['{"config":{"sample_rate":1e9}}', /whole number from 8000 to 192000/],
      ['{"config":{"max_alternatives":-1}}', /from 0 to 100/],
      ['{"config":{"words":"yes"}}', /true or false/],
    ]) {
      const v = await Vosk.open(server);
      v.client.send(text);
      const { code, reason } = await v.client.end();
      assert.equal(code, 1008, text);
      assert.match(reason, why);
    }
    const other = await Vosk.open(server, at16k);
    assert.ok(textOf(await other.dictate(bytesOf(babble(1500)))).length > 0, 'another client is heard as ever');
  }));

test('vosk errors: text that is not UTF-8 and a message of a gigabyte end that client only', () =>
  withVosk(fake(), async (server) => {
    const bad = await Vosk.open(server);
    bad.client.raw(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]));
    assert.equal((await bad.client.end()).code, 1007);
    const big = await Vosk.open(server);
    big.client.raw(frame(BINARY, Buffer.alloc(64), { length: 0x40000000 }));
    assert.equal((await big.client.end()).code, 1009);
    const other = await Vosk.open(server, at16k);
    assert.ok(textOf(await other.dictate(bytesOf(babble(1500)))).length > 0);
  }));

test('vosk errors: thousands of tiny messages are each answered', () =>
  withVosk(fake(), async (server) => {
    const v = await Vosk.open(server, at16k);
    const audio = bytesOf(babble(1000));
    const n = 5000;
    v.client.socket.cork();
    for (let i = 0; i < n; i++) v.client.binary(audio.subarray(i % audio.length, (i % audio.length) + 1));
    for (let i = 0; i < 100; i++) v.client.binary(Buffer.alloc(0));
    v.client.socket.uncork();
    v.answers = n + 100;
    await v.eof();
  }));

test('vosk queue: more messages than may wait for their answers are not read before, and each is answered', () =>
  withVosk(fake({ 'pool.en.max': 1 }), async (server) => {
    const first = await Vosk.open(server, at16k);
    await first.chunk(bytesOf(babble(500, 1)));
    const second = await Vosk.open(server, at16k);
    const n = 120000;
    const message = (opcode, payload) => frame(opcode, Buffer.from(payload));
    second.client.raw(Buffer.concat([...Array(n).fill(message(BINARY, [0])), message(TEXT, '{"eof" : 1}')]));
    await server.until(async () => (await server.status()).sessions.some((s) => s.state === 'queued'), 'the second waits');
    await first.eof();
    assert.equal((await second.client.end()).code, 1000);
    assert.equal(second.client.events.length, n + 1);
  }));

test('vosk errors: an utterance that fails is no result, and answers go on', () =>
  withVosk(fake({ 'server.poison_dir': '' }), async (server) => {
    const v = await Vosk.open(server, at16k);
    const answers = await v.dictate(bytesOf(join(babble(700, 1), fault('fail'), babble(700, 1), silence(1500), babble(1500, 2))));
    assert.ok(answers.at(-1).text.length > 0);
  }));

test('vosk end: a client that vanishes in the middle leaves nothing behind', () =>
  withVosk(fake(), async (server) => {
    const v = await Vosk.open(server, at16k);
    await v.chunk(bytesOf(babble(800)));
    v.client.vanish();
    await until(async () => (await server.status()).sessions.length === 0, 'its session is gone');
  }));

test('vosk end: any path is taken, no extension and one offered subprotocol is answered', () =>
  withVosk(fake(), async (server) => {
    const v = await Vosk.open(server, { path: '/asr/en/?x=1', headers: { 'Sec-WebSocket-Protocol': 'chat, ws', 'Sec-WebSocket-Extensions': 'permessage-deflate' } });
    assert.match(v.client.head, /Sec-WebSocket-Protocol: ws\r?$/m);
    assert.doesNotMatch(v.client.head, /Extensions/i);
    await v.eof();
  }));

test('vosk auth: with keys a client is let in by one, and answered 401 without', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-vosk-'));
  const { file, secrets } = await keysFile(dir, { a: 'normal' });
  await withVosk(fake({ 'server.keys_file': file }), async (server) => {
    await assert.rejects(Vosk.open(server), (e) => e.status === 401);
    const v = await Vosk.open(server, { path: `/?token=${secrets.a}` });
    assert.deepEqual(await v.eof(), { text: '' });
  });
  fs.rmSync(dir, { recursive: true });
});

test('vosk auth: minutes of a key are those of the audio, whatever its rate was before', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-vosk-'));
  const { file, secrets } = await keysFile(dir, { a: { minutes: 1 } });
  await withVosk(fake({ 'server.keys_file': file }), async (server) => {
    const v = await Vosk.open(server, { path: `/?token=${secrets.a}`, config: { sample_rate: 48000 } });
    await v.chunk(bytesOf(silence(100)));
    v.client.send({ config: { sample_rate: 8000 } });
    for (let s = 0; s < 70; s += 10) v.client.binary(Buffer.alloc(2 * 8000 * 10));
    const { code, reason } = await v.client.end();
    assert.equal(code, 1008);
    assert.match(reason, /minutes=1/);
  });
  fs.rmSync(dir, { recursive: true });
});

test('vosk auth: what was heard before the minutes of a key ran out is told before the close', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-vosk-'));
  const { file, secrets } = await keysFile(dir, { a: { minutes: 1 } });
  await withVosk(fake({ 'server.keys_file': file }), async (server) => {
    const v = await Vosk.open(server, { path: `/?token=${secrets.a}`, ...at16k });
    // One message: its answer is the first result, the others wait.
    v.client.binary(bytesOf(join(babble(1500, 1), silence(1500), babble(1500, 2), silence(60000), babble(1500, 3))));
    assert.equal((await v.client.end()).code, 1008);
    assert.equal(v.client.events.length, 2);
    const [first, rest] = v.client.events.map((e) => e.text.split(' ').length);
    assert.ok(rest > first, 'two utterances in one answer');
  });
  fs.rmSync(dir, { recursive: true });
});

test('vosk auth: a key with pools=de gets that one when its client names none', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-vosk-'));
  const { file, secrets } = await keysFile(dir, { a: { pools: 'de' } });
  await withVosk(fake({ 'server.keys_file': file, 'pool.de.engine': 'fake' }), async (server) => {
    const v = await Vosk.open(server, { path: `/?token=${secrets.a}`, ...at16k });
    await v.chunk(bytesOf(babble(500)));
    const { sessions } = JSON.parse((await server.get('/v1/status', { headers: { Authorization: `Bearer ${secrets.a}` } })).body);
    assert.equal(sessions[0].pool, 'de');
    await v.eof();
  });
  fs.rmSync(dir, { recursive: true });
});

test('vosk end: one that has not sent anything is told when the server leaves, and ended after idle_timeout_ms', async () => {
  await withVosk(fake({ 'server.idle_timeout_ms': 1500 }), async (server) => {
    const { code, reason } = await (await Vosk.open(server)).client.end();
    assert.equal(code, 1008);
    assert.match(reason, /idle_timeout_ms 1500/);
  });
  await withVosk(fake({ 'server.drain_timeout_ms': 600000 }), async (server) => {
    const v = await Vosk.open(server, at16k);
    server.child.kill('SIGTERM');
    assert.equal((await v.client.end()).code, 1012);
  }, { sums: false });
});

test('vosk end: what is said until a server leaves is told, though the message goes on behind it', () =>
  withVosk(fake({ 'server.drain_timeout_ms': 600000 }), async (server) => {
    const v = await Vosk.open(server, at16k);
    await v.chunk(bytesOf(babble(1000, 1)));
    server.child.kill('SIGTERM');
    await server.until(async () => (await server.get('/readyz')).status === 503, 'it is leaving');
    v.client.binary(bytesOf(join(babble(500, 1), silence(1500), babble(1500, 2), silence(1500))));
    assert.equal((await v.client.end()).code, 1012);
    assert.equal(v.client.events.length, 2);
    assert.ok(v.client.events[1].text.length > 0);
  }, { sums: false }));

test('vosk partials: two clients at once hear only their own words', () =>
  withVosk(real, async (server) => {
    const clips = [speak(sentences[0]), speak(sentences[1])];
    const heard = await Promise.all(clips.map((c) => transcribe(server, c)));
    assertSaid(heard, clips.map((c) => c.words));
  }));

test('vosk end: frames without a mask are taken where the listener allows them', () =>
  withVosk(fake({ 'listen.listen2.allow_unmasked_clients': 'yes' }), async (server) => {
    const c = await Client.open({ port: server.ports.vosk, address: 'x' }, { path: '/' });
    c.raw(Buffer.concat([Buffer.from([0x81, 11]), Buffer.from('{"eof" : 1}')]));
    await c.until(() => c.events[0], 'the answer');
    assert.deepEqual(c.events[0], { text: '' });
    assert.equal((await c.end()).code, 1000);
  }));
