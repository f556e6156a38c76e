import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { withServer, fake, set } from './lib/server.mjs';
import { BINARY, frame } from './lib/client.mjs';
import { keysFile } from './lib/keys.mjs';
import { until } from './lib/wait.mjs';
import { Recorder, bytesOf, connect, listenArgs, packet, plain, transcribe } from './lib/protocols/realtimestt.mjs';
import { babble, clip, fault, join, sentences, silence, speak } from './lib/speech.mjs';
import { assertSaid } from './lib/words.mjs';

const withBoth = (args, body, options) => withServer([...listenArgs, ...args], body, options);
const real = set({ 'pool.en.max': 2 });
const types = (r) => r.data.events.map((e) => e.type);
const noSessions = (server) => server.until(async () => (await server.status()).sessions.length === 0, 'no session is left');

test('realtimestt finals: a real clip gives its words, with a capital first', () =>
  withBoth(real, async (server) => {
    const words = clip('goforward').words;
    const r = await Recorder.open(server);
    r.feed(join(clip('goforward').samples, silence(1500)));
    assertSaid(plain(await r.sentence()), words);
    assert.match(r.sentences[0], /^[A-Z]/);
    await r.close();
    assertSaid(await transcribe(server, clip('goforward')), words);
  }));

test('realtimestt finals: each utterance has a sentence, and listening goes on', () =>
  withBoth(fake(), async (server) => {
    const r = await Recorder.open(server);
    r.feed(join(babble(1500, 1), silence(1500)));
    await r.data.event('vad_detect_start', 1); // where the next one begins before, it is not told
    r.feed(join(babble(1500, 2), silence(1500)));
    await r.sentence(1);
    await r.data.event('vad_detect_start', 2);
    assert.ok(r.sentences.every((s) => /^[A-Z]/.test(s)));
    await r.close();
  }));

test('realtimestt partials: realtime comes while it is spoken, each another text', () =>
  withBoth(fake({ 'server.partial_interval_ms': 200 }), async (server) => {
    const r = await Recorder.open(server);
    const audio = babble(4000);
    for (let i = 0; i < 4; i++) {
      r.feed(audio.subarray(16000 * i, 16000 * (i + 1)));
      await r.data.event('realtime', i);
    }
    r.feed(silence(1500));
    await r.sentence();
    const texts = r.data.all('realtime').map((e) => e.text);
    texts.forEach((t, i) => assert.ok(/^[A-Z]/.test(t) && t !== texts[i - 1]));
    await r.close();
  }));

test('realtimestt speech events: the order of an utterance is that of the reference', () =>
  withBoth(fake(), async (server) => {
    const r = await Recorder.open(server);
    r.feed(join(silence(400), babble(1500), silence(1500)));
    await r.sentence();
    await r.data.event('vad_detect_start', 1);
    assert.deepEqual(types(r).filter((t) => t !== 'realtime'), ['vad_detect_start', 'vad_detect_stop', 'recording_start',
      'start_turn_detection', 'recording_stop', 'stop_turn_detection', 'transcription_start', 'fullSentence', 'vad_detect_start']);
    await r.close();
  }));

test('realtimestt speech events: transcription_start has the audio of the utterance as float32, and so has the parameter', () =>
  withBoth(fake(), async (server) => {
    const r = await Recorder.open(server);
    const audio = join(silence(1000), babble(1500), silence(1500));
    r.feed(audio);
    const e = await r.data.event('transcription_start');
    await r.sentence();
    const bytes = Buffer.from(e.audio_bytes_base64, 'base64');
    const samples = Int16Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i) * 32768);
    assert.ok(samples.length > 1.5 * 16000 && samples.length < 3 * 16000, `${samples.length}`);
    const at = audio.findIndex((_, i) => audio[i] !== 0);
    const from = samples.findIndex((s) => s !== 0);
    assert.deepEqual([...samples.subarray(from, from + 2000)], [...audio.subarray(at, at + 2000)]);
    assert.equal(await r.get('last_transcription_bytes_b64'), e.audio_bytes_base64);
    await r.close();
  }));

test('realtimestt speech events: audio that is too long for a message is left out of it', () =>
  withBoth(fake({ 'server.send_buffer_bytes': 65536 }), async (server) => {
    const r = await Recorder.open(server);
    r.feed(join(babble(2000), silence(1500)));
    assert.equal((await r.data.event('transcription_start')).audio_bytes_base64, '');
    await r.sentence();
    assert.match((await r.ask({ command: 'get_parameter', parameter: 'last_transcription_bytes_b64', request_id: 5 })).message, /send_buffer_bytes/);
    await r.close();
  }));

test('realtimestt commit: stop and a microphone that is turned off end what is being said', () =>
  withBoth(fake(), async (server) => {
    const r = await Recorder.open(server);
    for (const [i, args] of [['stop'], ['set_microphone', [false]]].entries()) {
      r.feed(babble(1500, i + 1));
      await r.data.event('recording_start', i);
      await r.call(...args);
      assert.ok((await r.sentence(i)).length > 0);
    }
    await r.close();
  }));

test('realtimestt commit: abort and clear_audio_queue drop what is being said', () =>
  withBoth(fake(), async (server) => {
    const r = await Recorder.open(server);
    for (const [i, method] of ['abort', 'clear_audio_queue'].entries()) {
      r.feed(babble(1500, i + 1));
      await r.data.event('recording_start', i);
      assert.equal(await r.get('is_recording'), true);
      assert.equal((await r.call(method)).message, `Method ${method} called`);
      await r.data.event('recording_stop', i);
      assert.equal(await r.get('is_recording'), false);
    }
    r.feed(join(silence(500), babble(1500, 3), silence(1500)));
    await r.sentence();
    assert.equal(r.sentences.length, 1);
    assert.equal(r.data.all('transcription_start').length, 1);
    await r.close();
  }));

test('realtimestt commit: abort drops a text that has not come, clear_audio_queue does not', () =>
  withBoth(fake({ 'pool.en.param.end_ms': 500 }), async (server) => {
    const r = await Recorder.open(server);
    for (const [i, method] of ['abort', 'clear_audio_queue'].entries()) {
      r.feed(join(babble(1500, i + 1), silence(1500)));
      await r.data.event('transcription_start', i);
      await r.call(method);
    }
    r.feed(join(babble(1500, 3), silence(1500)));
    await r.data.event('transcription_start', 2);
    await server.until(async () => (await server.status()).sums.utterances.open === 0, 'nothing is left to hear');
    await r.sentence(1);
    await r.data.until(() => types(r).at(-1) === 'vad_detect_start', 'all is told');
    assert.equal(r.sentences.length, 2);
    await r.close();
  }));

test('realtimestt commit: parameters are kept for a client and those that mean something act', () =>
  withBoth(fake(), async (server) => {
    const r = await Recorder.open(server);
    const other = await Recorder.open(server, { path: '/other' });
    assert.equal((await r.set('post_speech_silence_duration', 3)).message, 'Parameter post_speech_silence_duration set to 3');
    await r.set('silero_sensitivity', 0.4);
    await r.set('deactivity_silence_confirmation_duration', 0.25);
    assert.deepEqual([await r.get('post_speech_silence_duration'), await r.get('silero_sensitivity'), await r.get('deactivity_silence_confirmation_duration')], [3, 0.4, 0.25]);
    assert.deepEqual([await other.get('post_speech_silence_duration'), await other.get('silero_sensitivity')], [0.6, 0.5], 'of another client nothing is changed');
    const spoken = join(babble(1000, 1), silence(1500), babble(1000, 2), silence(4000));
    r.feed(spoken);
    other.feed(spoken);
    await other.sentence(1);
    await r.sentence();
    assert.equal(r.data.all('recording_start').length, 1, 'a pause of 1.5 s is none of 3 s');
    assert.deepEqual([await r.get('language'), await r.get('use_wake_words')], ['en', false]);
    const asked = await r.ask({ command: 'get_parameter', parameter: 'last_transcription_bytes_b64', request_id: 9 });
    assert.deepEqual([asked.status, asked.request_id], ['error', 9], 'of two clients at one address none is told what may be the other one\'s audio');
    await r.close();
    await other.close();
  }));

test('realtimestt commit: a shorter pause that is set while speaking holds from the next utterance on, and cuts nothing', () =>
  withBoth(fake(), async (server) => {
    const r = await Recorder.open(server);
    r.feed(babble(1000, 1));
    await r.data.event('recording_start');
    await r.set('post_speech_silence_duration', 2);
    r.feed(join(babble(1000, 1), silence(1200)));
    await r.sentence();
    const [first] = r.data.all('transcription_start');
    assert.ok(Buffer.from(first.audio_bytes_base64, 'base64').length > 2 * 16000 * 4 * 0.9, 'all of it is one utterance');
    r.feed(join(babble(1000, 2), silence(1200), babble(1000, 2), silence(2500)));
    await r.sentence(1);
    assert.equal(r.data.all('recording_start').length, 2);
    await r.close();
  }));

test('realtimestt speech events: the times that can be read', () =>
  withBoth(fake(), async (server) => {
    const r = await Recorder.open(server);
    assert.deepEqual([await r.get('listen_start'), await r.get('recording_stop_time')], [0, 0]);
    r.feed(join(babble(1000), silence(1200)));
    await r.sentence();
    const [listened, stopped, silent] = [await r.get('listen_start'), await r.get('recording_stop_time'), await r.get('speech_end_silence_start')];
    assert.ok(listened >= stopped && stopped >= silent && silent > 1e9, `${[listened, stopped, silent]}`);
    await r.close();
  }));

test('realtimestt errors: the words of the reference, with the request id, and the connection goes on', () =>
  withBoth(fake(), async (server) => {
    const r = await Recorder.open(server);
    for (const [request, why] of [
      ['{', /^Invalid JSON command$/],
      ['[]', /^Invalid JSON command$/],
      [{ command: 'dance' }, /^Unknown command dance$/],
      [{ command: 'set_parameter', parameter: 'model', value: 'x' }, /^Parameter model is not allowed \(set_parameter\)$/],
      [{ command: 'set_parameter', parameter: 'is_recording', value: true }, /^Parameter is_recording is not allowed \(set_parameter\)$/],
      [{ command: 'get_parameter', parameter: 'secret' }, /^Parameter secret is not allowed \(get_parameter\)$/],
      [{ command: 'get_parameter', parameter: 'last_transcription_bytes' }, /get last_transcription_bytes_b64/],
      [{ command: 'set_parameter', parameter: 'post_speech_silence_duration', value: 99 }, /must be a number from 0\.1 to 10/],
      [{ command: 'set_parameter', parameter: 'silero_sensitivity', value: 'x' }, /must be a number from 0 to 1/],
      [{ command: 'set_parameter', parameter: 'use_wake_words', value: true }, /no wake words/],
      [{ command: 'call_method', method: 'perform_final_transcription' }, /^Method perform_final_transcription is not allowed$/],
      [{ command: 'call_method', method: 'shutdown' }, /^Method shutdown is refused: .*operator/],
    ]) {
      const whole = typeof request === 'string';
      const reply = await r.ask(whole ? request : { ...request, request_id: 0 });
      assert.equal(reply.status, 'error');
      assert.match(reply.message, why);
      assert.equal(reply.request_id, whole ? undefined : 0);
    }
    for (const method of ['wakeup', 'text']) assert.equal((await r.call(method)).status, 'success');
    r.feed(join(babble(1000), silence(1200)));
    await r.sentence();
    await r.close();
  }));

test('realtimestt errors: a malformed packet ends that socket with the reason, and nobody else', () =>
  withBoth(fake(), async (server) => {
    const other = await Recorder.open(server);
    for (const [bytes, code, why] of [
      [Buffer.alloc(2), 1007, /missing metadata length/],
      [Buffer.from([255, 255, 255, 255]), 1007, /too large/],
      [packet('nonsense'), 1007, /invalid JSON/],
      [packet({}), 1007, /'sampleRate' must be a positive integer/],
      [packet({ sampleRate: 384000 }, Buffer.alloc(2)), 1003, /384000 is not supported/],
    ]) {
      const data = await connect(server, 'realtimestt-data');
      data.send('text is ignored here');
      data.binary(bytes);
      const how = await data.end();
      assert.equal(how.code, code);
      assert.match(how.reason, why);
    }
    const big = await connect(server, 'realtimestt-control');
    big.raw(frame(BINARY, Buffer.alloc(64), { length: 0x40000000 }));
    assert.equal((await big.end()).code, 1009);
    const many = await connect(server, 'realtimestt-control');
    many.socket.cork();
    for (let i = 0; i < 3000; i++) many.send({ command: 'get_parameter', parameter: 'is_recording', request_id: i });
    many.socket.uncork();
    await many.until(() => many.events.length === 3000, 'a reply to each');
    assert.ok(many.events.every((e, i) => e.request_id === i));
    many.raw(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]));
    assert.equal((await many.end()).code, 1007);
    other.feed(join(babble(1000), silence(1200)), { size: 3 });
    assert.ok((await other.sentence()).length > 0, 'samples may be cut anywhere');
    await other.close();
  }));

test('realtimestt errors: an utterance that fails has an empty sentence, since the client waits for one', () =>
  withBoth(fake({ 'server.poison_dir': '' }), async (server) => {
    const r = await Recorder.open(server);
    r.feed(join(babble(700, 1), fault('fail'), babble(700, 1), silence(1500), babble(1500, 2), silence(1500)));
    await r.sentence(1);
    assert.equal(r.sentences[0], '');
    assert.ok(r.sentences[1].length > 0);
    await r.close();
  }));

test('realtimestt errors: an utterance that fails while it is said has its empty sentence at its end', () =>
  withBoth(fake({ 'server.poison_dir': '' }), async (server) => {
    const r = await Recorder.open(server);
    r.feed(join(babble(700, 1), fault('fail'), babble(700, 1)));
    await server.untilMetric('utterances_failed_total', 1);
    assert.deepEqual([r.sentences, types(r).includes('recording_stop')], [[], false]);
    r.feed(join(silence(1500), babble(1500, 2), silence(1500)));
    await r.sentence(1);
    assert.equal(r.sentences[0], '');
    assert.ok(r.sentences[1].length > 0);
    assert.deepEqual(types(r).filter((t) => t === 'fullSentence' || t === 'recording_stop'), ['recording_stop', 'fullSentence', 'recording_stop', 'fullSentence']);
    await r.close();
  }));

test('realtimestt sample rates: each packet says its own, and another one may follow', () =>
  withBoth(fake(), async (server) => {
    const r = await Recorder.open(server);
    const audio = join(babble(1500, 1), silence(1500));
    r.feed(audio);
    await r.sentence();
    r.feed(audio.filter((_, i) => i % 2 === 0), { rate: 8000 });
    await r.sentence(1);
    const lengths = r.data.all('transcription_start').map((e) => e.audio_bytes_base64.length);
    assert.ok(Math.abs(lengths[1] / lengths[0] - 1) < 0.3, `${lengths}`);
    await r.close();
  }));

test('realtimestt queue: a client that waits hears nothing until it has a place, and then all', () =>
  withBoth(fake({ 'pool.en.max': 1 }), async (server) => {
    const first = await Recorder.open(server);
    first.feed(babble(500, 1));
    await first.data.event('recording_start');
    const second = await Recorder.open(server, { path: '/second' });
    second.feed(join(babble(1500, 2), silence(1500)));
    await server.until(async () => (await server.status()).sessions.some((s) => s.state === 'queued'), 'the second waits');
    assert.deepEqual(second.data.events.filter((e) => e.type === 'vad_detect_start'), []);
    await first.close();
    await second.sentence();
    await second.close();
  }));

test('realtimestt queue: one that sent more than is kept, and then drops it, is read again', () =>
  withBoth(fake({ 'pool.en.max': 1, 'server.session_buffer_ms': 1000 }), async (server) => {
    const first = await Recorder.open(server);
    first.feed(babble(500, 1));
    await first.data.event('recording_start');
    const second = await Recorder.open(server, { path: '/second' });
    second.feed(babble(8000, 2));
    await server.until(async () => (await server.status()).sessions.some((s) => s.state === 'queued'), 'the second waits');
    assert.equal((await second.call('clear_audio_queue')).status, 'success');
    await first.close();
    second.feed(join(silence(500), babble(1500, 3), silence(1500)));
    await second.sentence();
    await second.close();
  }));

test('realtimestt queue: one that is too many is closed with 1013 and the reason', () =>
  withBoth(fake({ 'pool.en.max': 1, 'pool.en.queue_max': 0 }), async (server) => {
    const first = await Recorder.open(server);
    first.feed(babble(500, 1));
    await first.data.event('recording_start');
    const data = await connect(server, 'realtimestt-data');
    data.binary(packet({ sampleRate: 16000 }, Buffer.alloc(640)));
    const { code, reason } = await data.end();
    assert.equal(code, 1013);
    assert.match(reason, /queue_max|busy|wait/);
    await first.close();
  }));

test('realtimestt auth: both ports want a key where there are keys, and only connections of one key are a pair', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-stt-'));
  const { file, secrets } = await keysFile(dir, { a: 'normal', b: 'normal' });
  await withBoth(fake({ 'server.keys_file': file }), async (server) => {
    await assert.rejects(connect(server, 'realtimestt-control'), (e) => e.status === 401);
    await assert.rejects(connect(server, 'realtimestt-data'), (e) => e.status === 401);
    const control = await connect(server, 'realtimestt-control', { path: `/?token=${secrets.a}` });
    const r = await Recorder.open(server, { path: `/?token=${secrets.b}` });
    r.feed(babble(1000));
    await r.data.event('recording_start');
    control.send({ command: 'call_method', method: 'abort' });
    await control.until(() => control.events[0], 'a reply');
    r.feed(silence(1500));
    await r.sentence();
    control.close();
    await r.close();
  });
  fs.rmSync(dir, { recursive: true });
});

// The client says "en" always.
test('realtimestt auth: a language whose pool the key may not use is heard by one that it may, as the log says', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-stt-'));
  const { file, secrets } = await keysFile(dir, { a: { pools: 'de' } });
  await withBoth(fake({ 'server.keys_file': file, 'pool.de.engine': 'fake' }), async (server) => {
    const r = await Recorder.open(server, { path: `/?token=${secrets.a}` });
    r.feed(join(babble(1000), silence(1500)));
    assert.notEqual(await r.sentence(), '');
    await server.says(/stt-data: language "en" is not heard for this client; what it says is heard by pool "de"/);
    await r.close();
  });
  fs.rmSync(dir, { recursive: true });
});

test('realtimestt partials: two clients at once hear only their own words', () =>
  withBoth(real, async (server) => {
    const clips = [speak(sentences[0]), speak(sentences[1])];
    const heard = await Promise.all(clips.map((c) => transcribe(server, c)));
    assertSaid(heard, clips.map((c) => c.words));
  }));

test('realtimestt end: data without control and control without data work, and find each other later', () =>
  withBoth(fake(), async (server) => {
    const data = await connect(server, 'realtimestt-data', { path: '/any/path?x=1' });
    data.binary(packet({ sampleRate: 16000 }, bytesOf(join(babble(1000), silence(1200)))));
    await data.event('fullSentence');
    const r = new Recorder();
    r.ids = 0;
    r.control = await connect(server, 'realtimestt-control', { path: '/what/ever' });
    r.data = data;
    assert.ok((await r.get('recording_stop_time')) > 0, 'it is the one of that data connection');
    data.close();
    await data.end();
    await noSessions(server);
    await r.set('post_speech_silence_duration', 3);
    assert.equal(await r.get('post_speech_silence_duration'), 3);
    assert.equal((await r.call('abort')).status, 'success', 'there is nothing to abort');
    r.data = await connect(server, 'realtimestt-data');
    r.feed(join(babble(1000, 1), silence(1500), babble(1000, 2), silence(4000)));
    await r.sentence();
    assert.equal(r.data.all('recording_start').length, 1, 'what was set before holds for it');
    await r.close();
  }));

test('realtimestt end: a client that vanishes in the middle leaves nothing behind', () =>
  withBoth(fake(), async (server) => {
    const r = await Recorder.open(server);
    r.feed(babble(800));
    await r.data.event('recording_start');
    r.data.vanish();
    r.control.vanish();
    await noSessions(server);
  }));

test('realtimestt end: one that is silent for long gives its recogniser back, and gets one again', () =>
  withBoth(fake({ 'server.idle_timeout_ms': 1000 }), async (server) => {
    const r = await Recorder.open(server);
    r.feed(join(babble(1000, 1), silence(1000)));
    await r.sentence();
    await noSessions(server);
    r.feed(join(babble(1000, 2), silence(1000)));
    await r.sentence(1);
    await r.close();
  }));

test('realtimestt end: a server that leaves tells both connections', () =>
  withBoth(fake(), async (server) => {
    const r = await Recorder.open(server);
    server.child.kill('SIGTERM');
    assert.deepEqual([(await r.data.end()).code, (await r.control.end()).code], [1012, 1012]);
    server.stopped = true;
    await server.exited;
    fs.rmSync(server.dir, { recursive: true, force: true });
  }));
