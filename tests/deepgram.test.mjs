// Deepgram's /v1/listen, live and for files, by clients written after its reference.
import nodeTest from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import { withServer, fake, set } from './lib/server.mjs';
import { clip, babble, silence, join, speak, sentences, fault } from './lib/speech.mjs';
import { assertSaid } from './lib/words.mjs';
import { encode, resample, stereo, wav } from './lib/audio.mjs';
import { bearer, withKeys } from './lib/keys.mjs';
import { Client, frame, TEXT, BINARY } from './lib/client.mjs';
import { Listener, noClient, raw } from './lib/protocols/deepgram.mjs';

function test(name, ...rest) {
  const body = rest.pop();
  nodeTest(name, { ...rest[0], skip: noClient || rest[0]?.skip || false }, body);
}
const noFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'there is no ffmpeg';
const one = fake({ 'pool.en.max': 3 });
const best = (m) => m.channel.alternatives[0];
// Final results cover the stream without holes; interim ones begin where the last final ended.
function checkRanges(messages, duration) {
  let at = 0;
  for (const m of messages.filter((r) => r.type === 'Results')) {
    assert.ok(Math.abs(m.start - at) < 0.0015, `a result starts at ${m.start} and not at ${at}`);
    if (m.is_final) at = m.start + m.duration;
    else assert.equal(m.speech_final, false);
  }
  if (duration !== undefined) assert.ok(Math.abs(at - duration) < 0.0015, `results end at ${at} and the audio at ${duration}`);
}

test('deepgram finals: a real clip is heard, with its range, and the stream ends with Metadata and 1000', async () => {
  await withServer(set({ 'pool.en.max': 2 }), async (server) => {
    const c = clip('goforward');
    const l = await Listener.open(server, { model: 'nova-3', language: 'en-US', ...raw, smart_format: true });
    l.audio(c.samples);
    assert.deepEqual(await l.finish(), { code: 1000, reason: 'done' });
    assertSaid(l.text(), clip('goforward').words);
    const last = l.messages.at(-1);
    assert.equal(last.type, 'Metadata');
    assert.equal(last.request_id, l.headers['dg-request-id']);
    const bytes = Buffer.from(c.samples.buffer, c.samples.byteOffset, c.samples.byteLength);
    assert.equal(last.sha256, crypto.createHash('sha256').update(bytes).digest('hex'));
    assert.ok(Math.abs(last.duration - c.samples.length / 16000) < 0.02);
    assert.equal(last.channels, 1);
    assert.equal(last.model_info[last.models[0]].name, 'en');
    assert.ok(Date.parse(last.created) > 0);
    checkRanges(l.messages, last.duration);
  });
});

test('deepgram word times: each word stands within its result, in seconds of the stream', async () => {
  await withServer(set({ 'pool.en.max': 2 }), async (server) => {
    const l = await Listener.open(server, { ...raw, punctuate: true });
    l.audio(join(silence(2000), clip('goforward').samples));
    await l.finish();
    const heard = l.finals.find((m) => best(m).transcript);
    const words = best(heard).words;
    assertSaid(words.map((w) => w.word), clip('goforward').words.split(' '));
    let at = 2;
    for (const w of words) {
      assert.equal(w.word, w.punctuated_word.toLowerCase().replace(/[.,?!]$/, ''));
      assert.ok(w.start >= at && w.end > w.start && w.end <= heard.start + heard.duration, JSON.stringify(words));
      assert.ok(w.confidence >= 0 && w.confidence <= 1);
      at = w.start;
    }
    assert.ok(best(heard).confidence > 0);
  });
});

test('deepgram-continuous-speech: who speaks without a pause is fixed piece by piece, and no word is told twice or cut', async () => {
  await withServer(one, async (server) => {
    const speech = babble(14000);
    const whole = await Listener.open(server, raw); // by its speed: it is heard before a partial comes
    whole.audio(join(speech, silence(1000)), { chunk: 64000 });
    await whole.finish();
    for (const interim_results of [false, true]) {
      const l = await Listener.open(server, { ...raw, interim_results, utterance_end_ms: 1000 });
      for (let at = 0; at < speech.length; at += 8000) {
        const before = (await server.metrics()).partials_total;
        l.audio(speech.subarray(at, at + 8000));
        await server.until(async () => (await server.metrics()).partials_total > before, 'a partial of it'); // no faster than it is understood
      }
      await l.until(() => l.finals.length >= 2, 'two pieces of it');
      l.audio(silence(1000));
      await l.finish();
      const said = l.finals.filter((m) => best(m).transcript);
      assert.ok(said.length >= 2, JSON.stringify(said));
      assert.deepEqual(l.finals.map((m) => m.speech_final).filter(Boolean), [true]);
      assert.equal(said.slice(0, -1).some((m) => m.speech_final), false);
      assert.equal(l.text(), whole.text());
      for (const m of said) {
        assert.equal(best(m).words.map((w) => w.word).join(' '), best(m).transcript);
        for (const w of best(m).words) assert.ok(w.start >= m.start - 0.0015 && w.end <= m.start + m.duration + 0.0015 && w.confidence > 0);
      }
      checkRanges(l.messages, l.messages.at(-1).duration);
      assert.equal(l.interims.length > 0, interim_results);
    }
  });
});

test('deepgram partials: an interim result says how sure it is, and has the words and their times', async () => {
  await withServer(set({ 'pool.en.max': 2 }), async (server) => {
    const l = await Listener.open(server, { ...raw, interim_results: true, punctuate: true });
    const { samples } = clip('goforward');
    l.audio(samples.subarray(0, 28000));
    const m = await l.until(() => l.interims.find((i) => best(i).words.length > 1), 'an interim result of two words');
    assert.ok(best(m).confidence > 0 && best(m).confidence <= 1);
    assert.equal(best(m).words.map((w) => w.punctuated_word).join(' '), best(m).transcript);
    let at = 0;
    for (const w of best(m).words) {
      assert.ok(w.confidence > 0 && w.confidence <= 1 && w.start >= at && w.end >= w.start, JSON.stringify(best(m)));
      at = w.start;
    }
    await l.finish();
  });
});

test('deepgram partials: interim results come only when asked for, and have the start of the final that replaces them', async () => {
  await withServer(one, async (server) => {
    const l = await Listener.open(server, { ...raw, interim_results: true });
    const speech = join(babble(3000), silence(1500));
    l.audio(speech.subarray(0, 24000));
    await l.until(() => l.interims.length > 0, 'an interim result');
    l.audio(speech.subarray(24000, 40000));
    await l.until(() => l.interims.length > 1, 'one more');
    l.audio(speech.subarray(40000));
    await l.until(() => l.finals.some((m) => m.speech_final), 'the end of the speech');
    await l.finish();
    checkRanges(l.messages, l.messages.at(-1).duration);
    assert.ok(best(l.interims[0]).transcript.length > 0);
    assert.ok(best(l.interims[0]).confidence > 0);
    const without = await Listener.open(server, raw);
    without.audio(speech);
    await without.finish();
    assert.deepEqual(without.interims, []);
    assert.equal(without.text(), l.text());
  });
});

test('deepgram finals: speech_final is told at a pause, only on finals, and never with endpointing=false', async () => {
  await withServer(one, async (server) => {
    const audio = join(babble(1500), silence(1500), babble(1500, 2), silence(1500));
    const ask = async (query) => {
      const l = await Listener.open(server, { ...raw, ...query });
      l.audio(audio);
      await l.finish();
      checkRanges(l.messages, l.messages.at(-1).duration);
      return l;
    };
    const on = await ask({ endpointing: 500 });
    assert.equal(on.finals.filter((m) => m.speech_final).length, 2);
    const off = await ask({ endpointing: false });
    assert.equal(off.finals.filter((m) => m.speech_final).length, 0);
    assert.equal(off.text(), on.text());
    // A longer pause than there is makes one utterance of both.
    const long = await ask({ endpointing: 3000 });
    const told = long.finals.filter((m) => best(m).transcript); // the beginning may have been fixed before
    assert.deepEqual(told.slice(0, -1).filter((m) => m.speech_final), []);
    assert.ok(told.at(-1).start + told.at(-1).duration > 4, 'the second is in it');
  });
});

test('deepgram finals: silence is told by results without text, so that a client sees it is heard', async () => {
  await withServer(one, async (server) => {
    const l = await Listener.open(server, raw);
    l.audio(silence(12000));
    await l.until(() => l.finals.length >= 2, 'two results of silence');
    for (const m of l.finals) assert.deepEqual([best(m).transcript, best(m).words, m.speech_final], ['', [], false]);
    await l.finish();
    checkRanges(l.messages, 12);
  });
});

test('deepgram speech events: SpeechStarted with vad_events, and UtteranceEnd once, from the words', async () => {
  await withServer(one, async (server) => {
    const l = await Listener.open(server, { ...raw, vad_events: true, interim_results: true, utterance_end_ms: 1000 });
    l.audio(join(silence(1000), babble(1500), silence(4000)));
    const end = await l.until(() => l.all('UtteranceEnd')[0], 'UtteranceEnd');
    const started = l.all('SpeechStarted')[0];
    assert.deepEqual(started.channel, [0, 1]);
    assert.ok(started.timestamp > 0.8 && started.timestamp < 1.4, JSON.stringify(started));
    assert.deepEqual(end.channel, [0, 1]);
    assert.equal(end.last_word_end, best(l.finals.find((m) => best(m).transcript)).words.at(-1).end);
    assert.ok(l.messages.indexOf(started) < l.messages.findIndex((m) => m.type === 'Results' && best(m).transcript));
    assert.ok(l.messages.indexOf(end) > l.messages.findIndex((m) => m.is_final && best(m).transcript));
    await l.finish();
    assert.equal(l.all('UtteranceEnd').length, 1);
    const without = await Listener.open(server, raw);
    without.audio(join(babble(1500), silence(4000)));
    await without.finish();
    assert.equal(without.all('SpeechStarted').length + without.all('UtteranceEnd').length, 0);
  });
});

test('deepgram commit: Finalize ends what is being said, and is answered when there is nothing', async () => {
  await withServer(one, async (server) => {
    const l = await Listener.open(server, raw);
    l.say('KeepAlive');
    l.say('Finalize');
    const empty = await l.until(() => l.finals[0], 'the answer to a Finalize of nothing');
    assert.deepEqual([best(empty).transcript, empty.from_finalize, empty.is_final], ['', true, true]);
    l.audio(babble(2000));
    l.say('Finalize', { channel: 0 });
    const said = await l.until(() => l.finals[1], 'the answer to the second');
    assert.ok(best(said).transcript);
    assert.deepEqual([said.from_finalize, said.speech_final], [true, false]);
    l.audio(join(babble(1000, 3), silence(1000)));
    await l.finish();
    assert.ok(l.finals.slice(2).some((m) => best(m).transcript && !m.from_finalize));
    checkRanges(l.messages, l.messages.at(-1).duration);
  });
});

test('deepgram commit: Finalize is answered before a file has shown its format, and for a channel that is not there', async () => {
  await withServer(one, async (server) => {
    const l = await Listener.open(server);
    l.say('Finalize');
    const empty = await l.until(() => l.finals[0], 'the answer');
    assert.deepEqual([best(empty).transcript, empty.from_finalize, empty.start, empty.duration], ['', true, 0, 0]);
    l.audio(wav(babble(1500)));
    l.say('Finalize', { channel: 1 });
    assert.match((await l.until(() => l.all('Error')[0], 'the Error')).description, /channel is 1/);
    assert.equal((await l.finish()).code, 1000);
    assert.ok(l.text());
  });
});

test('deepgram sample rates: each raw encoding, any rate, and WAV with its header, are heard the same', async () => {
  await withServer(set({ 'pool.en.max': 2 }), async (server) => {
    const { samples } = clip('goforward');
    for (const [query, bytes] of [
      [raw, samples],
      [{ encoding: 'linear32', sample_rate: 16000 }, encode(samples, 'pcm_f32le')],
      [{ encoding: 'linear16', sample_rate: 48000 }, resample(samples, 16000, 48000)],
      [{ encoding: 'mulaw', sample_rate: 16000 }, encode(samples, 'mulaw')],
      [{ encoding: 'alaw', sample_rate: 16000 }, encode(samples, 'alaw')],
      [{ ...raw, channels: 2 }, stereo(samples)],
      [{}, wav(samples)],
    ]) {
      const l = await Listener.open(server, query);
      l.audio(bytes, { chunk: 999 }); // no whole sample
      assert.equal((await l.finish()).code, 1000, JSON.stringify(l.messages));
      assertSaid(l.text(), clip('goforward').words, JSON.stringify(query));
    }
  });
});

test('deepgram sample rates: containers are decoded as they come, told by their first bytes', { skip: noFfmpeg }, async () => {
  await withServer(one, async (server) => {
    const speech = join(babble(2000), silence(1500), babble(1500, 3), silence(1000));
    const make = (...args) => execFileSync('ffmpeg', ['-nostdin', '-loglevel', 'error', '-f', 'wav', '-i', '-', ...args, '-'], { input: wav(speech), maxBuffer: 1 << 26 });
    for (const [query, bytes] of [
      [{}, make('-c:a', 'libopus', '-f', 'webm')],
      [{ encoding: 'ogg-opus', sample_rate: 48000 }, make('-c:a', 'libopus', '-f', 'ogg')],
      [{ encoding: 'flac' }, make('-f', 'flac')],
      [{}, make('-f', 'mp3')],
    ]) {
      const l = await Listener.open(server, { ...query, interim_results: true });
      l.audio(bytes, { chunk: 50 }); // less than shows what it is
      assert.equal((await l.finish()).code, 1000, JSON.stringify(l.messages));
      assert.equal(l.finals.filter((m) => m.speech_final).length, 2, JSON.stringify(l.finals));
      const { duration } = l.messages.at(-1);
      assert.ok(Math.abs(duration - speech.length / 16000) < 0.2, `${duration}`);
      checkRanges(l.messages, duration);
    }
    const broken = await Listener.open(server);
    broken.audio(Buffer.concat([Buffer.from('fLaC'), crypto.randomBytes(20000)]));
    await broken.finish();
    assert.equal(broken.closed.code, 1008);
    assert.match(broken.closed.reason, /^DATA-0000/);
    const gone = await Listener.open(server);
    gone.audio(make('-f', 'flac').subarray(0, 30000));
    gone.ws.terminate();
    await server.untilMetric('decoders', 0);
  });
});

test('deepgram sample rates: with multichannel each channel has results of its own', async () => {
  await withServer(one, async (server) => {
    const left = join(babble(2000), silence(3000));
    const right = join(silence(2500), babble(1500, 3), silence(1000));
    const both = new Int16Array(2 * left.length);
    for (let i = 0; i < left.length; i++) [both[2 * i], both[2 * i + 1]] = [left[i], right[i]];
    const alone = async (samples) => {
      const l = await Listener.open(server, raw);
      l.audio(samples);
      await l.finish();
      return l.text();
    };
    const l = await Listener.open(server, { ...raw, channels: 2, multichannel: true });
    l.audio(both, { chunk: 4001 });
    assert.equal((await l.finish()).code, 1000);
    assert.equal(l.text(0), await alone(left));
    assert.equal(l.text(1), await alone(right));
    assert.ok(l.messages.filter((m) => m.type === 'Results').every((m) => m.channel_index[1] === 2));
    assert.equal(l.messages.at(-1).channels, 2);
    const mixed = await Listener.open(server, { ...raw, channels: 2 });
    mixed.audio(both);
    await mixed.finish();
    assert.ok(mixed.finals.every((m) => m.channel_index[1] === 1));
    assert.ok(mixed.text());
  });
});

test('deepgram sample rates: with multichannel a container that is decoded keeps its channels', { skip: noFfmpeg }, async () => {
  await withServer(one, async (server) => {
    const left = join(babble(2000), silence(3000));
    const right = join(silence(2500), babble(1500, 3), silence(1000));
    const both = new Int16Array(2 * left.length);
    for (let i = 0; i < left.length; i++) [both[2 * i], both[2 * i + 1]] = [left[i], right[i]];
    const flac = (samples, channels) => execFileSync('ffmpeg', ['-nostdin', '-loglevel', 'error', '-f', 'wav', '-i', '-', '-f', 'flac', '-'], { input: wav(samples, { channels }), maxBuffer: 1 << 26 });
    const hear = async (query, bytes) => {
      const l = await Listener.open(server, query);
      l.audio(bytes);
      assert.equal((await l.finish()).code, 1000, JSON.stringify(l.messages));
      return l;
    };
    const l = await hear({ multichannel: true }, flac(both, 2));
    assert.equal(l.messages.at(-1).channels, 2);
    assert.equal(l.text(0), (await hear({}, flac(left, 1))).text());
    assert.equal(l.text(1), (await hear({}, flac(right, 1))).text());
    assert.equal((await hear({ multichannel: true }, flac(left, 1))).messages.at(-1).channels, 1);
  });
});

test('deepgram end: without audio there is Metadata alone, and an empty message ends like CloseStream', async () => {
  await withServer(one, async (server) => {
    const l = await Listener.open(server, raw);
    l.audio(babble(1500));
    l.ws.send(Buffer.alloc(0));
    assert.equal((await l.end()).code, 1000);
    assert.ok(l.text());
    assert.equal(l.messages.at(-1).type, 'Metadata');
    for (const query of [raw, {}]) {
      const none = await Listener.open(server, query);
      assert.equal((await none.finish()).code, 1000);
      assert.deepEqual(none.messages.map((m) => m.type), ['Metadata']);
      assert.equal(none.messages[0].duration, 0);
    }
  });
});

test('deepgram end: who sends nothing is told NET-0001, and KeepAlive is something', async () => {
  await withServer([...one, '--set', 'server.deepgram_timeout_ms=1500', '--set', 'server.idle_timeout_ms=2500'], async (server) => {
    const quiet = await Listener.open(server, raw);
    const kept = await Listener.open(server, raw);
    const timer = setInterval(() => kept.say('KeepAlive'), 200);
    const how = await quiet.end();
    const second = await Listener.open(server, {}); // and so is one that has not said its format
    const also = await second.end();
    const third = await Listener.open(server, raw);
    await third.end();
    clearInterval(timer);
    for (const h of [how, also]) {
      assert.equal(h.code, 1011);
      assert.match(h.reason, /^NET-0001 did not receive audio data or a text message within the timeout window/);
    }
    assert.equal(kept.closed, null);
    assert.equal((await kept.finish()).code, 1000);
  });
});

test('deepgram errors: a query that cannot be is refused before the upgrade, in the words of its clients', async () => {
  await withServer(one, async (server) => {
    for (const [query, sentence] of [
      [{ encoding: 'linear16' }, /sample_rate/],
      [{ encoding: 'opus', sample_rate: 48000 }, /encoding is 'opus'/],
      [{ ...raw, channels: 9 }, /channels is '9'/],
      [{ ...raw, interim_results: 'perhaps' }, /interim_results/],
      [{ ...raw, redact: 'pci' }, /^redact: /],
      [{ ...raw, callback: 'http://127.0.0.1/' }, /calls nobody back/],
    ]) {
      await assert.rejects(Listener.open(server, query), (e) => {
        assert.equal(e.status, 400);
        assert.equal(e.body.err_code, 'BAD_REQUEST');
        assert.match(e.body.err_msg, sentence);
        assert.equal(e.body.request_id, e.headers['dg-request-id']);
        assert.equal(e.headers['dg-error'], e.body.err_msg);
        return true;
      });
    }
    const l = await Listener.open(server, { ...raw, model: 'nova-9', tier: 'x', keywords: 'a:2', version: 'latest' });
    assert.equal((await l.finish()).code, 1000);
  });
});

test('deepgram errors: what is asked for and not done is told with the handshake and in the metadata, and labels come back', async () => {
  await withServer(one, async (server) => {
    const l = await Listener.open(server, { ...raw, model: 'nova-3', smart_format: true, diarize: true, keyterm: 'steno', utterances: true, sprachmodell: 1, numerals: false, tag: 'desk', extra: 'call:7' });
    const asked = ['smart_format', 'diarize', 'keyterm', 'utterances', 'sprachmodell'];
    assert.equal(l.headers['dg-warning'], `no effect: ${asked.join(', ')}`);
    await l.finish();
    const metadata = l.messages.at(-1);
    assert.deepEqual(metadata.warnings.map((w) => w.parameter), asked);
    for (const w of metadata.warnings) assert.match(w.message, new RegExp(`^${w.parameter} has no effect here: .`));
    assert.deepEqual([metadata.tags, metadata.extra], [['desk'], { call: '7' }]);
    const all = await Listener.open(server, { ...raw, interim_results: true, endpointing: 300, utterance_end_ms: 1000, vad_events: true, no_delay: true, mip_opt_out: true });
    assert.equal(all.headers['dg-warning'], undefined);
    await all.finish();
    assert.equal(all.messages.at(-1).warnings, undefined);
  });
});

test('deepgram: each Configure is answered once, and what is not done is refused', async () => {
  await withServer(one, async (server) => {
    const l = await Listener.open(server, { ...raw, punctuate: true });
    l.say('Configure', { keyterms: [], features: { numerals: false, punctuate: false } });
    l.say('Configure', { keyterms: ['steno'] });
    l.say('Configure', { features: { numerals: true } });
    l.audio(join(babble(1500), silence(1000)));
    await l.finish();
    const answers = l.messages.filter((m) => m.type.startsWith('Configure'));
    const { request_id } = l.messages.at(-1);
    assert.deepEqual(answers[0], { type: 'ConfigureSuccess', request_id, keyterms: [] });
    assert.deepEqual(answers.slice(1).map((m) => [m.type, m.code, m.request_id]),
      [['ConfigureFailure', 'CONFIGURE_KEYTERMS_NOT_SUPPORTED', request_id], ['ConfigureFailure', 'CONFIGURE_FEATURE_NOT_SUPPORTED', request_id]]);
    for (const m of answers.slice(1)) assert.ok(m.description);
    assert.equal(best(l.finals.find((m) => best(m).transcript)).words[0].punctuated_word, undefined);
  });
});

test('deepgram errors: what is no audio, and what is no message, ends its own client with 1008', async () => {
  await withServer(one, async (server) => {
    const other = await Listener.open(server, raw);
    other.audio(babble(1000));
    const noise = await Listener.open(server);
    noise.audio(babble(3000)); // raw audio, and nothing says so
    assert.match((await noise.end()).reason, /^DATA-0000 .*WAV/);
    assert.equal(noise.closed.code, 1008);
    const cut = await Listener.open(server);
    cut.audio(wav(babble(100)).subarray(0, 20));
    assert.match((await cut.finish()).reason, /^DATA-0000/);
    for (const text of ['no JSON', '[]', '{"type":7}', '{"type":"Finalize","channel":"all"}', '{'.repeat(2000)]) {
      const l = await Listener.open(server, raw);
      l.ws.send(text);
      assert.equal((await l.end()).code, 1008, text);
      assert.match(l.closed.reason, /^DATA-0000/);
    }
    other.say('Dance');
    assert.match((await other.until(() => other.all('Error')[0], 'the Error')).description, /'Dance'/);
    other.audio(silence(1000));
    assert.equal((await other.finish()).code, 1000);
    assert.ok(other.text());
  });
});

test('deepgram errors: an utterance that is lost is told, and the stream goes on', async () => {
  await withServer(one, async (server) => {
    const l = await Listener.open(server, raw);
    const broken = babble(1500);
    broken.set(fault('fail', 'end'), 8000);
    l.audio(join(broken, silence(1000)));
    const told = await l.until(() => l.all('Error')[0] ?? l.finals.find((m) => m.incomplete), 'an Error, or what had settled of it');
    assert.ok(told.incomplete ? best(told).transcript : told.description && told.variant);
    l.audio(join(babble(1500, 2), silence(1000)));
    assert.equal((await l.finish()).code, 1000);
    assert.ok(l.text());
  });
});

test('deepgram auth: a key comes as Token, Bearer or subprotocol, and without one there is 401', async () => {
  await withKeys({ desk: { sessions: 1 } }, {}, async (server, { desk }) => {
    for (const headers of [{}, { Authorization: 'Token wrong' }]) {
      await assert.rejects(Listener.open(server, raw, { headers }), (e) => e.status === 401 && e.body.err_code === 'INVALID_AUTH' && e.headers['dg-error'].length > 0);
    }
    const ways = [{ headers: { Authorization: `Token ${desk}` } }, bearer(desk), { protocols: ['token', desk] }];
    for (const how of ways) {
      const l = await Listener.open(server, raw, how);
      assert.equal(l.ws.protocol, how.protocols ? 'token' : '');
      await assert.rejects(Listener.open(server, raw, how), (e) => e.status === 429 && e.body.err_code === 'TOO_MANY_REQUESTS');
      assert.equal((await l.finish()).code, 1000);
      await server.until(async () => (await server.status()).sessions.length === 0, 'its session is gone');
    }
  });
});

test('deepgram queue: nothing is said while a client waits, what it says meanwhile is kept, and a full server says when to come again', async () => {
  await withServer(fake({ 'pool.en.max': 1, 'pool.en.queue_max': 1 }), async (server) => {
    const first = await Listener.open(server, raw);
    first.audio(babble(1000));
    await server.until(async () => (await server.pool()).counts.leased === 1, 'the first has the place');
    const second = await Listener.open(server, raw);
    second.audio(join(babble(1500, 2), silence(1000)));
    await server.until(async () => (await server.pool()).queued === 1 || (await server.status()).sessions.length === 2, 'the second waits');
    await assert.rejects(Listener.open(server, raw), (e) => {
      assert.equal(e.status, 503);
      assert.equal(e.body.err_code, 'SERVICE_UNAVAILABLE');
      assert.ok(Number(e.headers['retry-after']) > 0);
      return true;
    });
    assert.deepEqual(second.messages, []);
    assert.equal((await first.finish()).code, 1000);
    await second.until(() => second.finals.length, 'a result for the second');
    assert.equal((await second.finish()).code, 1000);
    assert.ok(second.text());
  });
});

test('deepgram queue: who sends faster than is heard is slowed, and nothing is lost', async () => {
  await withServer(fake({ 'pool.en.param.slow': 0.1, 'server.session_buffer_ms': 4000, 'server.max_message_bytes': 16384 }), async (server) => {
    const speech = join(...Array.from({ length: 8 }, (_, i) => join(babble(1500, i), silence(1000))));
    const both = new Int16Array(2 * speech.length);
    speech.forEach((s, i) => ([both[2 * i], both[2 * i + 1]] = [s, speech[speech.length - 1 - i]]));
    const texts = [];
    for (const [query, bytes] of [[raw, speech], [{}, wav(speech)], [{ ...raw, channels: 2, multichannel: true }, both],
      ...(noFfmpeg ? [] : [[{ encoding: 'flac' }, execFileSync('ffmpeg', ['-nostdin', '-loglevel', 'error', '-f', 'wav', '-i', '-', '-f', 'flac', '-'], { input: wav(speech), maxBuffer: 1 << 26 })]])]) {
      const l = await Listener.open(server, query);
      l.audio(bytes, { chunk: 16000 });
      assert.equal((await l.finish()).code, 1000, JSON.stringify([query, l.closed]));
      checkRanges(l.messages.filter((m) => m.channel_index?.[0] === 0));
      texts.push(l.text(0));
    }
    assert.ok(texts[0].split(' ').length > 40, texts[0]);
    for (const text of texts) assert.equal(text, texts[0]);
  });
});

test('deepgram finals: two clients at once hear their own words only', { timeout: 120000 }, async () => {
  await withServer(set({ 'pool.en.max': 2 }), async (server) => {
    const both = await Promise.all(sentences.map(async (words) => {
      const l = await Listener.open(server, { ...raw, interim_results: true });
      l.audio(speak(words).samples);
      await l.finish();
      return l.text();
    }));
    assertSaid(both, sentences);
  });
});

test('deepgram errors: hostile frames hurt nobody else', async () => {
  await withServer(one, async (server) => {
    const good = await Listener.open(server, raw);
    good.audio(babble(1500));
    const listen = { path: '/v1/listen?encoding=linear16&sample_rate=16000' };
    const utf8 = await Client.open(server, listen);
    utf8.raw(frame(TEXT, Buffer.from([0xff, 0xfe, 0x22])));
    assert.equal((await utf8.end()).code, 1007);
    const tiny = await Client.open(server, listen);
    for (let i = 0; i < 5000; i++) tiny.raw(frame(BINARY, Buffer.from([i & 255])));
    tiny.send({ type: 'CloseStream' });
    assert.equal((await tiny.end()).code, 1000);
    const huge = await Client.open(server, listen);
    huge.raw(frame(BINARY, Buffer.alloc(10), { length: 0x7fffffff }));
    assert.equal((await huge.end()).code, 1009);
    const many = await Client.open(server, listen);
    for (let i = 0; i < 20000; i++) many.send({ type: 'Finalize' });
    many.send({ type: 'CloseStream' });
    assert.ok([1000, 1008, 1011, 1006].includes((await many.end()).code));
    const gone = await Client.open(server, listen);
    gone.binary(Buffer.alloc(3201));
    gone.vanish();
    good.audio(silence(1000));
    assert.equal((await good.finish()).code, 1000);
    assert.ok(good.text());
  });
});

test('deepgram end: a server that leaves says so', async () => {
  await withServer(one, async (server) => {
    const waiting = await Listener.open(server);
    const live = await Listener.open(server, raw);
    live.say('KeepAlive');
    server.child.kill('SIGTERM');
    await waiting.end();
    assert.ok([1011, 1012].includes(waiting.closed.code), JSON.stringify(waiting.closed));
    assert.equal((await live.end()).code, 1012);
  }, { sums: false });
});

const interleave = (left, right) => {
  const both = new Int16Array(2 * left.length);
  left.forEach((s, i) => ([both[2 * i], both[2 * i + 1]] = [s, right[i]]));
  return both;
};
const two = { ...raw, channels: 2, multichannel: true };

test('deepgram end: when the server leaves, what is being said on one channel is heard to its end, though the other is silent', async () => {
  await withServer(one, async (server) => {
    const l = await Listener.open(server, { ...two, interim_results: true });
    l.audio(interleave(babble(2000), silence(2000)));
    await l.until(() => l.interims.some((m) => best(m).transcript), 'an interim result');
    server.child.kill('SIGTERM');
    await server.says(/draining/);
    l.audio(interleave(join(babble(500, 2), silence(1500)), silence(2000)));
    assert.equal((await l.end()).code, 1012, JSON.stringify(l.closed));
    assert.ok(l.text(0), JSON.stringify(l.messages.slice(-3)));
  }, { sums: false });
});

test('deepgram end: when a key has used up its minutes, all its channels are heard to their end', async () => {
  await withKeys({ desk: { minutes: 1 } }, { 'pool.en.max': 3, 'pool.en.param.slow': 0.2 }, async (server, { desk }) => {
    const l = await Listener.open(server, two, bearer(desk));
    const speech = join(silence(25000), babble(6000));
    l.audio(interleave(silence(31000), speech));
    assert.equal((await l.end()).code, 1008, JSON.stringify(l.closed));
    assert.match(l.closed.reason, /DATA-0000 .*minutes/);
    assert.ok(l.text(1), JSON.stringify(l.messages.slice(-3)));
  });
});
