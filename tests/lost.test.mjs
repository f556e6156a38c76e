// An utterance is given up only when instances die of it, and what was understood of it by then is not thrown away.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { execFile } from 'node:child_process';
import { fake, program, root, set, withServer } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { onFakes } from './lib/fakes.mjs';
import { wav } from './lib/audio.mjs';
import { heard } from './lib/residue.mjs';
import { babble, clip, fault, join, noRealSpeech, silence, speak } from './lib/speech.mjs';
import { instanceOf, losses, signal } from './lib/faults.mjs';
import { tapped } from './lib/tap.mjs';
import { noWebSocket } from './lib/websocket.mjs';

const manual = { endpointing: 'manual' };
const sound = babble(2600, 2);
const deadly = { 'pool.en.param.crash': 'end', 'pool.en.warmup': '' };
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms)); // the pace of speech and of faults; waits for nothing
const begins = (whole, text) => text.length > 0 && text.length < whole.length && whole.startsWith(`${text} `);

onFakes('instances that are killed from outside, here and there, cost no word', async (fake) => {
  await withServer(fake({ 'pool.en.max': 1, 'pool.en.spare': 1 }), async (s) => {
    const pieces = [babble(700, 1), babble(700, 2), babble(700, 3)];
    const expected = heard(await dictate(s, join(...pieces), manual));
    const c = await Client.start(s, manual);
    await c.event('ready');
    for (const [i, piece] of pieces.entries()) {
      c.audio(piece);
      await c.event('speech_start');
      if (i === 2) break;
      await s.until(async () => (await instanceOf(s, c)).uses === 1, 'an instance hears it');
      signal((await instanceOf(s, c)).pid, 'SIGKILL');
      await c.event('recovered', i);
    }
    await c.finish();
    assert.deepEqual(heard(c), expected);
    const { utterances, recovered, failed, poisonous } = await losses(s);
    assert.deepEqual({ utterances, recovered, failed, poisonous }, { utterances: 2, recovered: 2, failed: 0, poisonous: 0 });
  });
});

onFakes('what was understood of an open utterance that instances die of is its final, and what is said then is heard', async (fake) => {
  await withServer(fake(), async (s) => {
    const [whole, after] = [(await dictate(s, sound, manual)).text, (await dictate(s, babble(900, 5), manual)).text];
    const c = await Client.start(s, manual);
    c.audio(join(sound, fault('crash'), babble(300, 3)));
    const final = await c.event('final');
    assert.ok(begins(whole, final.text), `'${final.text}' is the beginning of '${whole}'`);
    assert.deepEqual([final.incomplete, final.cut_off, final.code, final.words, final.confidence], [true, undefined, 'peer', [], 0]);
    assert.match(final.message, /^2 instances were lost to this utterance, the last because: instance en\/\d+ was killed by signal 11/);
    c.audio(babble(900, 5));
    await c.finish();
    assert.deepEqual(c.finals.map((f) => [f.utterance, f.text, f.incomplete]), [[1, final.text, true], [2, after, undefined]]);
    assert.deepEqual(c.all('error'), []);
    const m = await s.metrics();
    assert.deepEqual([m.utterances_poisonous_total, m.utterances_incomplete_total, m.utterances_failed_total], [1, 1, 1]);
  });
});

test('what was understood is told before the error that ends a session, and settles nothing', async () => {
  await withServer(fake({ 'server.drain_timeout_ms': 0, 'server.cut_timeout_ms': 0, 'pool.en.param.end_ms': 60000, 'pool.en.warmup': '' }), async (s) => {
    const c = await Client.start(s, manual);
    for (let at = 0; c.all('partial').filter((p) => p.stable > 0).length === 0; at += 4800) {
      c.audio(sound.subarray(at % 38400, (at % 38400) + 4800));
      await c.event('partial', at / 4800);
    }
    s.child.kill('SIGTERM');
    assert.equal((await c.end()).code, 1012);
    const [final, error] = c.events.slice(-2);
    assert.deepEqual([final.type, final.incomplete, final.cut_off, final.code, error.type], ['final', true, true, 'restarting', 'error']);
    assert.ok(final.text.length > 0);
  }, { sums: false });
});

const transcribe = (server, file) =>
  new Promise((resolve) => {
    execFile(program, ['transcribe', '--server', `http://${server.address}`, file], (e, stdout, stderr) => resolve({ code: e?.code ?? 0, stdout, stderr }));
  });

test('stenopool transcribe prints what was understood, says on stderr that it is incomplete, and fails', async () => {
  await withServer(fake(deadly), async (s) => {
    const file = path.join(s.dir, 'x.wav');
    fs.writeFileSync(file, wav(join(sound, silence(1000))));
    const { code, stdout, stderr } = await transcribe(s, file);
    assert.match(stdout, /^\w+/);
    assert.match(stderr, /x\.wav: the text is incomplete: of the utterance from \d+\.\d s on only the beginning was understood: 2 instances were lost/);
    assert.equal(code, 1);
  });
});

// ---- a kill a second ----

const spoken = noRealSpeech
  ? ['the weather is nice today and', 'please call me tomorrow morning and', 'thank you very much indeed and', 'what time is it now and'].map((words) => speak(words.repeat(4)))
  : ['jfk', 'lj001-0004', 'austen-0870', 'lj001-0006'].map(clip);

test('lost-twice: with a kill a second no utterance of four speakers is lost', async () => {
  await withServer(set({ 'pool.en.max': 4 }), async (s) => {
    const began = performance.now();
    await dictate(s, clip('goforward').samples);
    const every_ms = Math.max(1000, 2 * (performance.now() - began)); // longer where a machine is so busy that nothing can be heard in a second
    let speaking = spoken.length;
    const all = Promise.all(spoken.map(async ({ samples, rate }) => {
      const c = await Client.start(s, { sample_rate: rate });
      for (let at = 0; at < samples.length; at += rate / 10) {
        c.audio(samples.subarray(at, at + rate / 10), { chunk: 3200 });
        await pause(100);
      }
      await c.finish();
      speaking--;
      return c;
    }));
    all.catch(() => (speaking = 0));
    const until_ms = performance.now() + 30000; // most have lost several by then
    for (let at = 0; speaking > 0 && performance.now() < until_ms; at++) {
      const busy = (await s.pool()).instances.filter((i) => i.state === 'leased' && i.pid > 0);
      if (busy.length > 0) signal(busy[at % busy.length].pid, 'SIGKILL');
      await pause(every_ms);
    }
    for (const c of await all) {
      assert.deepEqual([c.all('error'), c.finals.filter((f) => f.incomplete)], [[], []]);
      assert.equal(c.finals.length, c.all('speech_end').length);
      assert.ok(c.text.split(' ').length > 5, c.text);
    }
    assert.ok((await losses(s)).recovered > 0);
  });
});

// ---- each protocol says so in its own way ----

const dir = path.join(root, 'tests/lib/protocols');
const protocols = new Map();
for (const name of fs.readdirSync(dir).map((f) => f.replace('.mjs', '')).sort()) protocols.set(name, await import(path.join(dir, `${name}.mjs`)));
const listeners = (p) => [p.listen ?? []].flat().flatMap((name) => ['--listen', `${name}=127.0.0.1:0`]);

for (const [name, protocol] of protocols) {
  test(`${name} incomplete: what was understood of an utterance that instances die of is told, and marked`, { skip: noWebSocket }, async () => {
    const clip = { samples: join(sound, silence(1000)), rate: 16000 };
    let whole;
    await withServer([...listeners(protocol), ...fake()], async (s) => {
      whole = await protocol.transcribe(s, clip);
    });
    await withServer([...listeners(protocol), ...fake(deadly)], async (s) => {
      const tap = await tapped(s);
      const text = await protocol.transcribe(tap.server, clip).finally(() => tap.close());
      assert.ok(begins(whole, text), `'${text}' is the beginning of '${whole}'`);
      assert.match(tap.text(), /"incomplete": ?true/);
      await s.untilMetric('utterances_incomplete_total', 1);
    });
  });
}

test('openai_rest incomplete: a text without fields is marked in the header', async () => {
  await withServer(fake(deadly), async (s) => {
    for (const format of ['text', 'srt', 'vtt', 'json', 'verbose_json']) {
      const r = await protocols.get('openai_rest').post(s, { model: 'whisper-1', response_format: format }, wav(join(sound, silence(1000))));
      assert.deepEqual([r.status, r.headers.get('x-stenopool-incomplete')], [200, 'true'], format);
      assert.match(await r.text(), /\w/);
    }
  });
});
