// What a client wishes of the hearing (language, prompt, hot words, translation, the rate it recorded at) reaches the engine through each
// protocol in its own words, and which language was heard comes back. The fake engine tells at the end of its text what it was told.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server, withServer, set } from './lib/server.mjs';
import { Client } from './lib/client.mjs';
import { encode, resample, wav } from './lib/audio.mjs';
import { babble, join, silence } from './lib/speech.mjs';
import { Listener, raw } from './lib/protocols/deepgram.mjs';
import { post as postFile } from './lib/protocols/deepgram_prerecorded.mjs';
import { post } from './lib/protocols/openai_rest.mjs';
import { Realtime, pcm16k } from './lib/protocols/openai_realtime.mjs';
import { Recorder } from './lib/protocols/realtimestt.mjs';
import { Vosk, bytesOf, textOf } from './lib/protocols/vosk.mjs';
import { WhisperLive } from './lib/protocols/whisperlive.mjs';
import { Wyoming } from './lib/protocols/wyoming.mjs';
import { noWebSocket } from './lib/websocket.mjs';

const listeners = ['vosk', 'whisperlive', 'wyoming', 'realtimestt-control', 'realtimestt-data'].flatMap((l) => ['--listen', `${l}=127.0.0.1:0`]);
const takes = { 'pool.whisper.engine': 'fake_whole', 'pool.whisper.max': 4, 'pool.whisper.param.tell_wishes': 'yes' };
const streams = { 'pool.en.engine': 'fake', 'pool.en.max': 4, 'pool.en.param.tell_wishes': 'yes' };
const clip = babble(1000);
let hearing, streaming; // a server whose engine takes wishes, and one whose engine does not

before(async () => {
  hearing = await Server.start([...listeners, ...set(takes)]);
  streaming = await Server.start([...listeners, ...set(streams)]);
});
after(async () => {
  await hearing.stop();
  await streaming.stop();
});

const told = (text) => text.split(' ').filter((w) => w.includes('='));

async function native(server, fields, samples = clip) {
  const c = await Client.start(server, { endpointing: 'manual', ...fields });
  c.audio(samples);
  await c.finish();
  return c;
}
const rest = async (server, fields, options) => {
  const r = await post(server, { model: 'whisper-1', ...fields }, wav(clip), options);
  return { status: r.status, body: await r.json() };
};
async function realtime(server, transcription, more = async () => {}) {
  const c = await Realtime.open(server);
  await c.update({ format: pcm16k, turn_detection: null, transcription: { model: 'gpt-4o-transcribe', ...transcription } });
  c.append(clip);
  c.commit();
  await c.event('transcription.completed');
  await more(c);
  await c.close();
  return c.of('transcription.completed');
}
async function deepgram(server, query) {
  const l = await Listener.open(server, { model: 'nova-3', ...raw, ...query });
  l.audio(clip);
  await l.finish();
  return l;
}
const prerecorded = async (server, query) => (await postFile(server, { model: 'nova-3', ...query }, wav(clip))).json();
async function whisperlive(server, options) {
  const c = await WhisperLive.ready(server, options);
  c.audio(clip);
  await c.finish();
  return c;
}
async function wyoming(server, wish) {
  const w = await Wyoming.open(server);
  const answer = await w.dictate(bytesOf(clip), { wish });
  w.close();
  return answer;
}
async function vosk(server, config) {
  const v = await Vosk.open(server, { config: { sample_rate: 16000, ...config } });
  return textOf(await v.dictate(bytesOf(clip)));
}
async function realtimestt(server, language) {
  const r = await Recorder.open(server);
  await r.set('language', language);
  r.feed(clip);
  await r.data.event('recording_start');
  await r.call('stop');
  const text = await r.sentence();
  await r.close();
  return text;
}

const ALL = ['language=de', 'prompt=Dr._Ott', 'hot_words=MRT,_CT'];
const PHRASES = 'phrases=turn_left/right/[unk]';
const rate = 'rate_hz=16000';

// What each protocol can wish, and the text that came of it.
const rows = {
  native: [[...ALL, PHRASES, 'translate=yes', rate], async (s) => {
    const f = { language: 'de', prompt: 'Dr. Ott', hot_words: 'MRT, CT', phrases: 'turn left\nright\n[unk]', translate: true };
    return (await native(s, f)).text;
  }],
  'openai-rest': [[...ALL, rate], async (s) => {
    const f = { language: 'de', prompt: 'Dr. Ott', 'keywords[]': 'MRT, CT' };
    return (await rest(s, f)).body.text;
  }],
  'openai-rest translations': [['prompt=Dr._Ott', 'translate=yes', rate],
    async (s) => (await rest(s, { prompt: 'Dr. Ott' }, { path: '/v1/audio/translations' })).body.text],
  'openai-realtime': [[...ALL, rate],
    async (s) => (await realtime(s, { language: 'de', prompt: 'Dr. Ott', keywords: ['MRT', 'CT'] }))[0].transcript],
  deepgram: [['language=de', 'hot_words=MRT,_CT', rate],
    async (s) => (await deepgram(s, { language: 'de', keyterm: 'MRT', keywords: 'CT:2' })).text()],
  'deepgram-prerecorded': [['language=auto', 'hot_words=MRT', rate],
    async (s) => (await prerecorded(s, { detect_language: 'true', keywords: 'MRT:2' })).results.channels[0].alternatives[0].transcript],
  whisperlive: [[...ALL, 'translate=yes', rate],
    async (s) => (await whisperlive(s, { language: 'de', initial_prompt: 'Dr. Ott', hotwords: 'MRT, CT', task: 'translate' })).text],
  wyoming: [['language=de', 'hot_words=MRT,_CT', rate],
    async (s) => (await wyoming(s, { language: 'de', transcript_terms: ['CT'], transcript_names: ['MRT'] })).text],
  vosk: [[PHRASES, rate], async (s) => vosk(s, { phrase_list: ['turn left', 'right', '[unk]'] })],
  realtimestt: [['language=de', rate], async (s) => realtimestt(s, 'de')],
};
for (const [name, [want, say]] of Object.entries(rows)) {
  test(`${name}: what is wished reaches the engine`, { skip: noWebSocket }, async () => {
    assert.deepEqual(told(await say(hearing)).map((w) => w.replace(/^Language/, 'language')), want);
  });
}

test('an engine that takes no wish is told none but the rate, and hears all the same', { skip: noWebSocket }, async () => {
  for (const name of ['openai-rest', 'openai-realtime', 'deepgram', 'deepgram-prerecorded', 'wyoming', 'vosk', 'realtimestt']) {
    const text = await rows[name][1](streaming);
    assert.deepEqual(told(text), [rate], name);
    assert.match(text, /^\w+ \w+/, name);
  }
});

// ---- who is told that a wish is passed over, and how ----

const over = (...what) => `the engine of pool "en" passes over what is wished of it: ${what.join(', ')}`;

test('native: a warning behind ready says what the engine passes over, and another nothing', async () => {
  const c = await native(streaming, { prompt: 'Dr. Ott', hot_words: 'MRT', phrases: 'yes\nno' });
  assert.deepEqual(c.all('warning').map((w) => w.message), [over('prompt', 'hot words', 'phrases')]);
  assert.equal(c.events.findIndex((e) => e.type === 'warning'), c.events.findIndex((e) => e.type === 'ready') + 1);
  assert.deepEqual((await native(streaming, { language: 'de' })).all('warning'), []);
  assert.deepEqual((await native(hearing, { prompt: 'Dr. Ott', hot_words: 'MRT', phrases: 'yes' })).all('warning'), []);
});

test('vosk: the first result says that there is no grammar, and no other', { skip: noWebSocket }, async () => {
  const v = await Vosk.open(streaming, { config: { sample_rate: 16000, phrase_list: ['left'] } });
  const results = (await v.dictate(bytesOf(join(clip, silence(1500), clip)))).filter((r) => 'text' in r && r.text !== '');
  assert.equal(results.length, 2);
  assert.deepEqual(results.map((r) => r.warning), [over('phrases'), undefined]);
});

test('openai-rest: a header says what is passed over, of a stream, too', async () => {
  for (const stream of ['false', 'true']) {
    const r = await post(streaming, { model: 'whisper-1', prompt: 'Dr. Ott', 'keywords[]': 'MRT', stream }, wav(clip));
    assert.equal(r.headers.get('warning'), `299 stenopool "${over('prompt', 'hot words').replaceAll('"', "'")}"`);
    await r.text();
  }
  assert.equal((await post(hearing, { model: 'whisper-1', prompt: 'Dr. Ott' }, wav(clip))).headers.get('warning'), null);
});

test('openai-realtime: the first turn says what is passed over', { skip: noWebSocket }, async () => {
  const turns = await realtime(streaming, { prompt: 'Dr. Ott', keywords: ['MRT'] }, async (c) => {
    c.append(clip);
    c.commit();
    await c.event('transcription.completed', 2);
  });
  assert.deepEqual(turns.map((t) => t.warning), [over('prompt', 'hot words'), undefined]);
});

test('wyoming: the transcript says it', async () => {
  assert.equal((await wyoming(streaming, { transcript_names: ['MRT'] })).warning, over('hot words'));
  assert.equal((await wyoming(hearing, { transcript_names: ['MRT'] })).warning, undefined);
});

test('an engine that takes hot words and no phrases is told these as those, and the client, too', { skip: noWebSocket }, async () => {
  await withServer([...listeners, ...set({ ...takes, 'pool.whisper.param.passes_over': 'phrases' })], async (server) => {
    const c = await native(server, { hot_words: 'MRT', phrases: 'turn left\n[unk]\nright' });
    assert.deepEqual(told(c.text), ['hot_words=MRT,_turn_left,_right', rate]);
    const all = 'the engine of pool "whisper" takes phrases for hot words: other words are heard, too';
    assert.deepEqual(c.all('warning').map((w) => w.message), [all]);
    assert.deepEqual(told(await vosk(server, { phrase_list: ['left'] })), ['hot_words=left', rate]);
    await server.says(new RegExp(`session \\d+: ${all}`));
  });
});

test('who takes a prompt and no hot words is not told these, and says so of these alone', { skip: noWebSocket }, async () => {
  await withServer([...listeners, ...set({ ...takes, 'pool.whisper.param.passes_over': 'hot_words' })], async (server) => {
    const c = await whisperlive(server, { initial_prompt: 'Dr. Ott', hotwords: 'MRT' });
    assert.deepEqual(c.messages.filter((m) => m.status === 'WARNING').map((m) => m.message), ['these options have no effect here: hotwords']);
    assert.deepEqual(told(c.text).filter((w) => !w.startsWith('language')), ['prompt=Dr._Ott', rate]);
    const { metadata } = await prerecorded(server, { keyterm: 'MRT' });
    assert.deepEqual(metadata.warnings.map((w) => w.parameter), ['keyterm']);
  });
});

// ---- which language was heard ----

test('native: partials and finals say which language was heard, where the engine does', async () => {
  const c = await native(hearing, { language: 'de-AT' });
  assert.equal(c.finals[0].language, 'de');
  const quiet = await native(streaming, { language: 'de' });
  assert.ok(!('language' in quiet.finals[0]));
  const { engine, model, pool } = (await native(hearing, {})).all('ready')[0];
  assert.deepEqual({ engine, model, pool }, { engine: 'fake_whole', model: 'fake', pool: 'whisper' });
});

test('openai-rest: verbose_json has the English name of what was heard, json its code', async () => {
  const { body } = await rest(hearing, { language: 'de', response_format: 'verbose_json' });
  assert.equal(body.language, 'german');
  assert.deepEqual((await rest(hearing, { language: 'de' })).body.languages, [{ code: 'de' }]);
  assert.equal((await rest(streaming, { response_format: 'verbose_json' })).body.language, 'en');
});

test('openai-rest: a translation is English, and a pool that cannot is refused in words', async () => {
  const path = '/v1/audio/translations';
  const { body } = await rest(hearing, { response_format: 'verbose_json' }, { path });
  assert.equal(body.task, 'translate');
  assert.equal(body.language, 'english');
  const no = await rest(streaming, {}, { path });
  assert.equal(no.status, 400);
  assert.match(no.body.error.message, /do not translate/);
  await withServer(set({ ...takes, ...streams }), async (server) => {
    assert.match((await rest(server, {}, { path })).body.text, /translate=yes/); // by the pool that can
    await server.says(/pool en: starting -> ready/); // until then it is not known
    const named = await rest(server, { model: 'en' }, { path });
    assert.equal(named.status, 400);
    assert.match(named.body.error.message, /the engine of pool "en" does not translate/);
  });
});

test('native: a translation that the engine cannot give is refused in words', async () => {
  const c = await Client.start(streaming, { translate: true });
  await c.end();
  assert.match(c.all('error')[0].message, /the engine of pool "en" does not translate/);
});

test('openai-realtime: another language and prompt hold from the next turn on, and each turn tells its own', { skip: noWebSocket }, async () => {
  const [first, second] = await realtime(hearing, { language: 'de', prompt: 'first' }, async (c) => {
    await c.update({ transcription: { model: 'gpt-4o-transcribe', language: 'fr', prompt: 'second' } });
    c.append(clip);
    c.commit();
    await c.event('transcription.completed', 2);
  });
  assert.deepEqual(told(first.transcript), ['language=de', 'prompt=first', rate]);
  assert.deepEqual(first.languages, [{ code: 'de' }]);
  assert.deepEqual(told(second.transcript), ['language=fr', 'prompt=second', rate]);
  assert.deepEqual(second.languages, [{ code: 'fr' }]);
});

test('deepgram: a detected language is told, and vocabulary is no warning any more', { skip: noWebSocket }, async () => {
  await withServer(set({ ...takes, 'pool.whisper.param.language': 'nl' }), async (server) => {
    const { results, metadata } = await prerecorded(server, { detect_language: 'true', keyterm: 'MRT' });
    assert.equal(results.channels[0].detected_language, 'nl');
    assert.equal(results.channels[0].language_confidence, 1);
    assert.equal(metadata.warnings, undefined);
  });
  const { results, metadata } = await prerecorded(streaming, { detect_language: 'true', keyterm: 'MRT' });
  assert.equal(results.channels[0].detected_language, 'en');
  assert.deepEqual(metadata.warnings.map((w) => w.parameter), ['keyterm']);
});

test('whisperlive: the language that is found out is told before the first segments, once', { skip: noWebSocket }, async () => {
  await withServer([...listeners, ...set({ ...takes, 'pool.whisper.param.language': 'nl' })], async (server) => {
    const c = await whisperlive(server, { language: null });
    const at = c.messages.findIndex((m) => m.language);
    assert.equal(c.messages[at].language, 'nl');
    assert.ok(at < c.messages.findIndex((m) => m.segments), JSON.stringify(c.messages));
    assert.equal(c.messages.filter((m) => m.language).length, 1);
    assert.deepEqual(c.messages.filter((m) => m.status === 'WARNING'), []);
  });
  const c = await whisperlive(streaming, { language: null, hotwords: 'MRT', task: 'translate' });
  assert.equal(c.messages.find((m) => m.language).language, 'en');
  assert.deepEqual(c.messages.filter((m) => m.status === 'WARNING').map((m) => m.message),
    ['translation is not available; what is said is transcribed', 'these options have no effect here: hotwords']);
});

test('wyoming: a transcript has the language that was heard, and describe all that a pool can', async () => {
  assert.equal((await wyoming(hearing, { language: 'de' })).language, 'de');
  assert.equal((await wyoming(streaming, { language: 'de' })).language, 'en');
  const w = await Wyoming.open(hearing);
  w.send('describe');
  const info = await w.next('info');
  w.close();
  assert.ok(info.asr[0].models[0].languages.includes('de') && info.asr[0].models[0].languages.length > 90);
});

// ---- which pool ----

test('a pool that is set to languages hears who asks for one of them, one for any the others', async () => {
  const pools = { 'pool.main.engine': 'fake', 'pool.main.languages': 'en, nl', 'pool.rest.engine': 'fake', 'pool.rest.languages': 'any' };
  await withServer(set(pools), async (server) => {
    for (const [language, pool] of [['nl', 'main'], ['en-GB', 'main'], ['fi', 'rest'], ['', 'main']]) {
      const c = await native(server, language ? { language } : {});
      assert.equal(c.all('ready')[0].pool, pool, language);
    }
  });
});

// ---- the rate ----

test('the engine knows what was recorded at 8 kHz, in whatever clothes it came', { skip: noWebSocket }, async () => {
  const narrow = resample(clip, 16000, 8000);
  const bytes = encode(narrow, 'mulaw');
  const c = await Client.start(streaming, { endpointing: 'manual', encoding: 'mulaw', sample_rate: 8000 });
  c.binary(bytes);
  await c.finish();
  assert.deepEqual(told(c.text), ['rate_hz=8000']);
  const file = await post(streaming, { model: 'whisper-1' }, wav(narrow, { rate: 8000 }));
  assert.deepEqual(told((await file.json()).text), ['rate_hz=8000']);
  const v = await Vosk.open(streaming);
  assert.deepEqual(told(textOf(await v.dictate(bytesOf(narrow)))), ['rate_hz=8000']);
});

// ---- each attempt ----

test('an utterance that is heard again is heard with the same wishes', async () => {
  await withServer(set({ ...takes, 'pool.whisper.param.crash': 'end', 'pool.whisper.param.once': 'once', 'pool.whisper.warmup': '' }), async (server) => {
    const c = await native(server, { language: 'de', prompt: 'Dr. Ott' });
    assert.equal(c.all('recovered').length, 1);
    assert.deepEqual(told(c.text), ['language=de', 'prompt=Dr._Ott', rate]);
    assert.equal(c.finals[0].language, 'de');
  });
});

test('of a prompt that is too long the end is kept, of hot words the first', async () => {
  const prompt = `${'a'.repeat(3000)}end`, hot_words = `first,${'b'.repeat(1015)},third`;
  const words = told((await native(hearing, { prompt, hot_words })).text);
  assert.equal(words[0], `prompt=${'a'.repeat(1021)}end`);
  assert.equal(words[1], `hot_words=first,_${'b'.repeat(1015)}`);
});
