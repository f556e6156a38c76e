import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { withServer, fake, set } from './lib/server.mjs';
import { keysFile } from './lib/keys.mjs';
import { until } from './lib/wait.mjs';
import { Wyoming, bytesOf, eventBytes, plain, transcribe } from './lib/protocols/wyoming.mjs';
import { babble, clip, fault, join, sentences, silence, speak } from './lib/speech.mjs';
import { assertSaid } from './lib/words.mjs';

const withWyoming = (args, body, options) => withServer(['--listen', 'wyoming=127.0.0.1:0', ...args], body, options);
const real = set({ 'pool.en.max': 2 });
const types = (w) => w.events.map((e) => e.type);
const words = bytesOf(join(silence(300), babble(1500, 1), silence(300)));

test('wyoming finals: a real clip gives its words', () =>
  withWyoming(real, async (server) => {
    assertSaid(await transcribe(server, clip('goforward')), clip('goforward').words);
  }));

test('wyoming finals: what a pause parts is one transcript, and the chunks make it', () =>
  withWyoming(fake(), async (server) => {
    const w = await Wyoming.open(server);
    const { text } = await w.dictate(bytesOf(join(babble(2500, 1), silence(1500), babble(2500, 2), silence(1200))));
    await w.next('transcript-stop');
    assert.equal(w.all('voice-started').length, 2);
    assert.ok(text.length > 0 && !/^ | {2}| $/.test(text), text);
    assert.equal(w.all('transcript-chunk').map((e) => e.text).join(''), text);
    assert.equal(w.all('transcript').length, 1);
  }));

test('wyoming partials: chunks come while there is still audio, in order', () =>
  withWyoming(fake({ 'server.partial_interval_ms': 100 }), async (server) => {
    const w = await Wyoming.open(server);
    w.send('transcribe', { language: 'en' });
    w.start();
    const speech = bytesOf(babble(25000));
    let at = 0;
    await until(() => {
      w.audio(speech.subarray(at, (at += 640)));
      return w.all('transcript-chunk').length > 0;
    }, 'some of it has settled');
    assert.equal(w.all('voice-stopped').length, 0, 'the utterance goes on');
    w.stop();
    await w.next('transcript');
    await w.next('transcript-stop');
    const told = types(w).filter((t) => t.startsWith('transcript'));
    const chunks = told.filter((t) => t === 'transcript-chunk');
    assert.deepEqual(told, ['transcript-start', ...chunks, 'transcript', 'transcript-stop']);
    assert.equal(w.all('transcript-chunk').map((e) => e.text).join(''), w.all('transcript')[0].text);
  }));

test('wyoming speech events: voice-started and voice-stopped have the times of the audio, from where the client says it begins', () =>
  withWyoming(fake(), async (server) => {
    const w = await Wyoming.open(server);
    w.send('audio-start', { ...plain, timestamp: 10000 });
    w.audio(bytesOf(join(silence(1000), babble(2000), silence(1500))));
    const started = await w.next('voice-started');
    const stopped = await w.next('voice-stopped');
    w.stop();
    await w.next('transcript');
    assert.ok(started.timestamp >= 10500 && started.timestamp <= 11300, JSON.stringify(started));
    assert.ok(stopped.timestamp >= 12700 && stopped.timestamp <= 14500, JSON.stringify(stopped));
  }));

test('wyoming end: utterances follow each other on one connection, each in a session of its own', () =>
  withWyoming(fake(), async (server) => {
    const w = await Wyoming.open(server);
    const texts = [];
    for (let i = 0; i < 3; i++) texts.push((await w.dictate(words)).text);
    assert.ok(texts[0].length > 0);
    assert.deepEqual(texts, [texts[0], texts[0], texts[0]], 'nothing of one is left in the next');
    assert.equal((await server.metrics()).sessions_opened_total, 3);
  }));

test('wyoming end: utterances that are sent without waiting are answered one after the other', () =>
  withWyoming(fake(), async (server) => {
    const alone = await (await Wyoming.open(server)).dictate(words);
    const w = await Wyoming.open(server);
    for (let i = 0; i < 3; i++) {
      w.send('transcribe', { language: 'en' });
      w.start();
      w.audio(words);
      w.stop();
      w.send('ping', { text: String(i) });
    }
    w.close();
    await w.end();
    assert.deepEqual(w.all('transcript').map((e) => e.text), [alone.text, alone.text, alone.text]);
    assert.deepEqual(w.all('pong').map((e) => e.text), ['0', '1', '2']);
  }));

test('wyoming end: no audio gives an empty transcript, with and without audio-start', () =>
  withWyoming(fake(), async (server) => {
    const w = await Wyoming.open(server);
    w.start();
    w.stop();
    assert.equal((await w.next('transcript')).text, '');
    w.stop();
    assert.equal((await w.next('transcript')).text, '');
    assert.equal((await w.dictate(bytesOf(silence(2000)))).text, '', 'silence is none either');
    assert.ok((await w.dictate(words)).text.length > 0);
  }));

test('wyoming end: a client that has closed its half gets its transcript, and then the other half is closed', () =>
  withWyoming(fake(), async (server) => {
    const w = await Wyoming.open(server);
    w.start();
    w.audio(words);
    w.stop();
    w.close();
    assert.ok((await w.next('transcript')).text.length > 0);
    assert.equal((await w.end()).type, 'transcript-stop');
  }));

test('wyoming end: a client that leaves in the middle leaves nothing behind', () =>
  withWyoming(fake(), async (server) => {
    for (const leave of ['close', 'vanish']) {
      const w = await Wyoming.open(server);
      w.start();
      w.audio(words);
      await w.next('voice-started');
      w[leave]();
      await until(async () => (await server.status()).sessions.length === 0, 'its session is gone');
      await w.end();
      assert.equal(w.all('transcript').length, 0);
    }
  }));

test('wyoming commit: audio-stop is the only one; an audio-chunk may come without an audio-start', () =>
  withWyoming(fake(), async (server) => {
    const w = await Wyoming.open(server);
    const whole = await w.dictate(words);
    w.audio(words);
    w.stop();
    assert.deepEqual(await w.next('transcript'), whole);
  }));

test('wyoming describe: an info names each pool as a model, and whoever asks is answered while a dictation goes on', () =>
  withWyoming(set({ 'pool.en.engine': 'fake', 'pool.de-small.engine': 'fake' }), async (server) => {
    const w = await Wyoming.open(server);
    w.start();
    w.audio(words);
    w.send('describe');
    const info = await w.next('info');
    assert.deepEqual(Object.keys(info).sort(), ['asr', 'handle', 'intent', 'mic', 'snd', 'tts', 'type', 'wake']);
    const [stt] = info.asr;
    assert.deepEqual(stt.models.map((m) => [m.name, m.languages]), [['en', ['en']], ['de-small', ['de']]]);
    assert.equal(stt.supports_transcript_streaming, true);
    assert.equal(stt.requires_external_vad, true);
    for (const thing of [stt, ...stt.models]) {
      assert.equal(thing.installed, true);
      assert.equal(typeof thing.attribution.name, 'string');
      assert.equal(typeof thing.attribution.url, 'string');
    }
    w.stop();
    await w.next('transcript');
  }));

test('wyoming describe: transcribe chooses a pool by the name of a model or by a language, for one utterance', () =>
  withWyoming(fake({ 'pool.de-small.engine': 'fake' }), async (server) => {
    const w = await Wyoming.open(server);
    for (const [wish, language] of [
      [{ name: 'de-small' }, 'de'],
      [{ language: 'de' }, 'de'],
      [{ language: 'de-AT', name: null }, 'de'],
      [{ name: 'en', language: 'de' }, 'en'],
      [{ language: 'fr' }, 'en'],
      [{}, 'en'],
    ]) {
      assert.equal((await w.dictate(words, { wish })).language, language, JSON.stringify(wish));
    }
    w.send('transcribe', { language: 'de' });
    w.stop();
    assert.equal((await w.next('transcript')).language, 'de', 'without audio too');
    w.start();
    w.audio(words);
    w.stop();
    assert.equal((await w.next('transcript')).language, 'en', 'the wish was for one utterance');
  }));

test('wyoming describe: the pool of a listener is the first model, and heard by whoever wishes nothing', () =>
  withWyoming(fake({ 'pool.de.engine': 'fake', 'listen.listen2.pool': 'de' }), async (server) => {
    const w = await Wyoming.open(server);
    w.send('describe');
    assert.deepEqual((await w.next('info')).asr[0].models.map((m) => m.name), ['de', 'en']);
    assert.equal((await w.dictate(words, { wish: {} })).language, 'de');
  }));

test('wyoming errors: ping is answered with its text, and what is not known is passed over', () =>
  withWyoming(fake(), async (server) => {
    const w = await Wyoming.open(server);
    w.send('ping', { text: 'häh' });
    assert.deepEqual(await w.next('pong'), { type: 'pong', text: 'häh' });
    w.send('ping');
    assert.deepEqual(await w.next('pong'), { type: 'pong' });
    w.send('detect', { names: ['x'] }, Buffer.alloc(100, 10));
    w.send('pong', { text: 'x' });
    w.raw('{"type":"ping","data":{"text":"inline"},"data_length":null}\n');
    assert.equal((await w.next('pong')).text, 'inline');
    assert.ok((await w.dictate(words)).text.length > 0);
  }));

// How loud it is decides what the fake engine says, so the same words tell that the same samples were heard.
test('wyoming sample rates: width, rate and channels are as each chunk says', () =>
  withWyoming(fake(), async (server) => {
    const w = await Wyoming.open(server);
    const samples = join(silence(300), babble(1500, 1), silence(300));
    const { text } = await w.dictate(bytesOf(samples));
    const wide = (width) => {
      const b = Buffer.alloc(samples.length * width, 0x55);
      samples.forEach((s, i) => b.writeInt16LE(s, i * width + width - 2));
      return b;
    };
    const stereo = Buffer.alloc(samples.length * 4);
    samples.forEach((s, i) => (stereo.writeInt16LE(s, 4 * i), stereo.writeInt16LE(s, 4 * i + 2)));
    for (const [bytes, format] of [
      [wide(4), { ...plain, width: 4 }],
      [wide(3), { ...plain, width: 3 }],
      [stereo, { ...plain, channels: 2 }],
    ]) {
      for (const size of [2048, 1001]) {
        assert.equal((await w.dictate(bytes, { format, size })).text, text, JSON.stringify({ ...format, size }));
      }
    }
    const u8 = Buffer.from(samples.map((s) => (s >> 8) + 128));
    assert.ok((await w.dictate(u8, { format: { ...plain, width: 1 } })).text.length > 0);
    assert.equal((await w.dictate(bytesOf(silence(1000)).subarray(0, 16000).fill(128), { format: { ...plain, width: 1 } })).text, '', 'unsigned');
  }));

test('wyoming sample rates: a rate that changes between chunks holds from there on', () =>
  withWyoming(fake(), async (server) => {
    const w = await Wyoming.open(server);
    const half = babble(2000, 2).filter((_, i) => i % 2 === 0);
    w.start();
    w.audio(bytesOf(join(babble(1500, 1), silence(500))));
    w.audio(bytesOf(join(half, silence(750))), { format: { ...plain, rate: 8000 } });
    await w.until(() => w.all('voice-stopped').length === 2, 'two utterances');
    w.stop();
    assert.ok((await w.next('transcript')).text.length > 0);
    const last = w.all('voice-stopped')[1].timestamp;
    assert.ok(last >= 3500 && last <= 5500, `two seconds and two of 8 kHz, not ${last}`);
  }));

test('wyoming sample rates: a real clip in 32 bits gives its words', () =>
  withWyoming(real, async (server) => {
    const { samples, words: said } = clip('goforward');
    const b = Buffer.alloc(samples.length * 4);
    samples.forEach((s, i) => b.writeInt32LE(s * 65536, 4 * i));
    const w = await Wyoming.open(server);
    assertSaid((await w.dictate(b, { format: { ...plain, width: 4 } })).text, said);
  }));

test('wyoming queue: a client that waits for a place hears nothing, and then gets its transcript', () =>
  withWyoming(fake({ 'pool.en.max': 1 }), async (server) => {
    const first = await Wyoming.open(server);
    first.start();
    first.audio(words);
    await first.next('voice-started');
    const second = await Wyoming.open(server);
    const answer = second.dictate(words);
    await server.until(async () => (await server.status()).sessions.some((s) => s.state === 'queued'), 'the second waits');
    assert.deepEqual(second.events, []);
    first.stop();
    await first.next('transcript');
    assert.ok((await answer).text.length > 0);
  }));

test('wyoming queue: one that is too many, or waits too long, gets an error with its code', () =>
  withWyoming(fake({ 'pool.en.max': 1, 'pool.en.queue_max': 1, 'pool.en.queue_timeout_ms': 300 }), async (server) => {
    const first = await Wyoming.open(server);
    first.start();
    first.audio(words);
    await first.next('voice-started');
    const second = await Wyoming.open(server);
    const waiting = second.dictate(words);
    await server.until(async () => (await server.status()).sessions.some((s) => s.state === 'queued'), 'the second waits');
    const third = await Wyoming.open(server);
    const refused = await third.dictate(words);
    assert.equal(refused.type, 'error');
    assert.equal(refused.code, 'busy');
    assert.match(refused.text, /queue_max 1/);
    await third.end();
    const late = await waiting;
    assert.equal(late.type, 'error');
    assert.match(late.text, /queue_timeout_ms/);
    first.stop();
    assert.ok((await first.next('transcript')).text.length > 0);
  }));

test('wyoming auth: the protocol has no keys, so a server that wants one says so', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-wyoming-'));
  const { file } = await keysFile(dir, { a: 'normal' });
  await withWyoming(fake({ 'server.keys_file': file }), async (server) => {
    const w = await Wyoming.open(server);
    const why = await w.next('error');
    assert.match(why.text, /cannot bring a key.*keys_file/);
    await w.end();
  });
  fs.rmSync(dir, { recursive: true });
});

test('wyoming errors: what cannot be ends that client with a sentence, and no other', () =>
  withWyoming(fake({ 'server.max_message_bytes': 1048576 }), async (server) => {
    const other = await Wyoming.open(server);
    other.start();
    other.audio(words);
    for (const [bytes, why, code = 'invalid'] of [
      ['GET / HTTP/1.1\r\n\r\n', /first line: the message is not JSON/],
      ['[]\n', /must be a JSON object, not an array/],
      ['{}\n', /must have a "type"/],
      ['{"type":"audio-chunk","payload_length":-5}\n', /payload_length must be a whole number/],
      ['{"type":"audio-chunk","payload_length":1000000000000}\n', /payload_length 1000000000000 is over max_message_bytes 1048576/, 'limit'],
      ['{"type":"ping","data_length":3}\n{"a', /the data of ping: the message is not JSON/],
      ['{"type":"ping","data":7}\n', /data must be an object, not a number/],
      [Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d, 0x0a]), /not JSON/],
      [Buffer.alloc(70000, 'x'), /first line may have 65536 bytes/, 'limit'],
      [eventBytes('audio-start', { ...plain, rate: 4000 }), /rate must be a whole number from 8000 to 192000/],
      [eventBytes('audio-start', { ...plain, width: 8 }), /width must be a whole number from 1 to 4/],
      [eventBytes('audio-chunk', { ...plain, channels: 9 }, Buffer.alloc(18)), /channels must be a whole number from 1 to 8/],
    ]) {
      const w = await Wyoming.open(server);
      w.raw(bytes);
      const e = await w.next('error');
      assert.match(e.text, why);
      assert.equal(e.code, code, e.text);
      await w.end();
    }
    other.stop();
    assert.ok((await other.next('transcript')).text.length > 0);
  }));

test('wyoming errors: thousands of tiny events, and bytes one by one, are taken as any others', () =>
  withWyoming(fake(), async (server) => {
    const { text } = await (await Wyoming.open(server)).dictate(words);
    const w = await Wyoming.open(server);
    assert.equal((await w.dictate(words, { size: 10 })).text, text);
    w.socket.setNoDelay(true);
    for (const b of eventBytes('ping', { text: 'slow' })) w.raw(Buffer.from([b]));
    assert.equal((await w.next('pong')).text, 'slow');
  }));

test('wyoming errors: a minute sent at once is taken as fast as it is heard', () =>
  withWyoming(fake(), async (server) => {
    const w = await Wyoming.open(server);
    const part = join(babble(2000, 1), silence(1000));
    const all = bytesOf(join(...Array(20).fill(part)));
    assert.ok((await w.dictate(all, { size: 32000 })).text.split(' ').length > 20);
    assert.equal(w.all('voice-stopped').length, 20);
  }));

test('wyoming errors: a format that changes with each chunk ends only that client', () =>
  withWyoming(fake(), async (server) => {
    const w = await Wyoming.open(server);
    const rates = [8000, 16000];
    for (let i = 0; i < 4000; i++) w.send('audio-chunk', { ...plain, rate: rates[i % 2] }, Buffer.alloc(2));
    w.stop();
    await w.next('transcript', 'error');
    assert.ok((await (await Wyoming.open(server)).dictate(words)).text.length > 0);
  }));

test('wyoming errors: where a part could not be heard there is an error and no transcript, and the next is heard', () =>
  withWyoming(fake({ 'server.poison_dir': '' }), async (server) => {
    const w = await Wyoming.open(server);
    const answer = await w.dictate(bytesOf(join(babble(700, 1), fault('fail'), babble(700, 1), silence(1500), babble(1500, 2))));
    assert.equal(answer.type, 'error');
    assert.equal(answer.code, 'engine');
    assert.ok((await w.dictate(words)).text.length > 0);
    assert.equal(w.all('transcript').length, 1);
  }));

test('wyoming errors: one who says nothing at all is told to start, one who has spoken may be quiet for idle_timeout_ms', () =>
  withWyoming(fake({ 'server.start_timeout_ms': 100, 'server.idle_timeout_ms': 2000 }), async (server) => {
    const mute = await Wyoming.open(server);
    const quiet = await Wyoming.open(server);
    quiet.send('describe');
    await quiet.next('info');
    assert.match((await mute.next('error')).text, /start_timeout_ms 100/);
    assert.equal(quiet.closed, false);
    quiet.send('ping');
    await quiet.next('pong');
    await quiet.end();
    assert.equal(quiet.all('error').length, 0);
  }));

test('wyoming errors: one that stops in the middle of speech does not keep its place for ever', () =>
  withWyoming(fake({ 'server.idle_timeout_ms': 1000 }), async (server) => {
    const w = await Wyoming.open(server);
    w.start();
    w.audio(bytesOf(babble(1500)));
    const why = await w.next('error');
    assert.equal(why.code, 'timeout');
    assert.match(why.text, /idle_timeout_ms 1000/);
    await w.end();
    assert.equal(w.all('voice-stopped').length, 1);
  }));

test('wyoming end: a server that leaves gives who speaks the transcript, and closes who is quiet', () =>
  withWyoming(fake({ 'server.drain_timeout_ms': 30000 }), async (server) => {
    const quiet = await Wyoming.open(server);
    quiet.send('describe');
    await quiet.next('info');
    const w = await Wyoming.open(server);
    w.start();
    w.audio(words);
    await w.next('voice-started');
    server.child.kill('SIGTERM');
    assert.equal((await quiet.next('error')).code, 'restarting');
    w.stop();
    assert.ok((await w.next('transcript')).text.length > 0);
    await w.end();
  }, { sums: false }));

test('wyoming finals: two clients at once hear only their own words', () =>
  withWyoming(real, async (server) => {
    const clips = [speak(sentences[0]), speak(sentences[1])];
    const heard = await Promise.all(clips.map((c) => transcribe(server, c)));
    assertSaid(heard, clips.map((c) => c.words));
  }));
