// OpenAI's Realtime interface: turns, their events in order, both dialects, and what a client may say wrong.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server, withServer, set, fake } from './lib/server.mjs';
import { Client } from './lib/client.mjs';
import { withKeys } from './lib/keys.mjs';
import { babble, clip, fault, join, sentences, silence, speak } from './lib/speech.mjs';
import { assertSaid } from './lib/words.mjs';
import { deadline } from './lib/wait.mjs';
import { Realtime, base64, input, pcm16k, skip, transcribe } from './lib/protocols/openai_realtime.mjs';

let server;
before(async () => {
  if (!skip) server = await Server.start(fake({ 'pool.en.max': 4 }));
});
after(async () => server?.stop());

const ours = (name, body) => test(`openai-realtime ${name}`, { skip }, body);
const manual = { format: pcm16k, turn_detection: null };
const vad = { format: pcm16k, turn_detection: { type: 'server_vad', threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: 500 } };
async function opened(s, fields, options) {
  const c = await Realtime.open(s, options);
  await c.event('session.created');
  await c.update(fields);
  return c;
}
const turn = (samples = babble(1000)) => join(silence(400), samples, silence(1200));
const at24k = (s) => Int16Array.from({ length: Math.floor(s.length * 1.5) - 1 }, (_, i) => s[Math.floor(i / 1.5)]);
const withoutDeltas = (c) => c.types().filter((t) => !t.endsWith('.delta'));

// ---- turns ----

ours('speech events: a turn that speech detection ends has its events in order, under one item', async () => {
  const c = await opened(server, vad);
  c.append(turn());
  const done = await c.event('transcription.completed');
  assert.deepEqual(withoutDeltas(c), ['session.created', 'session.updated', 'input_audio_buffer.speech_started', 'input_audio_buffer.speech_stopped',
    'input_audio_buffer.committed', 'conversation.item.added', 'conversation.item.done', 'conversation.item.input_audio_transcription.completed']);
  const [started] = c.of('speech_started'), [stopped] = c.of('speech_stopped'), [committed] = c.of('committed'), [added] = c.of('item.added');
  for (const id of [started.item_id, stopped.item_id, committed.item_id, added.item.id]) assert.equal(id, done.item_id);
  assert.ok(started.audio_start_ms >= 0 && started.audio_start_ms <= 500, `${started.audio_start_ms}`);
  assert.ok(stopped.audio_end_ms > started.audio_start_ms + 1000 && stopped.audio_end_ms <= 2600, `${stopped.audio_end_ms}`);
  assert.notEqual(done.transcript, '');
  assert.equal(c.deltas(done.item_id), done.transcript);
  assert.deepEqual([done.content_index, done.usage.type], [0, 'duration']);
  assert.ok(done.usage.seconds >= 1);
  assert.deepEqual(added.item, { id: done.item_id, object: 'realtime.item', type: 'message', status: 'completed', role: 'user', content: [{ type: 'input_audio', transcript: null }] });
  const ids = c.events.map((e) => e.event_id);
  assert.equal(new Set(ids).size, ids.length);
  await c.close();
});

ours('speech events: a turn that is cut, for its length or by a commit, ends where the next one begins', async () => {
  await withServer(fake({ 'pool.en.max': 1, 'vad.max_utterance_ms': 3000 }), async (s) => {
    const c = await opened(s, vad);
    c.append(join(silence(300), babble(5000)));
    await c.event('speech_started', 2);
    c.commit();
    c.append(join(babble(1500, 2), silence(1500)));
    await c.event('transcription.completed', 3);
    const times = c.events.map((e) => e.audio_start_ms ?? e.audio_end_ms).filter((ms) => ms !== undefined);
    assert.deepEqual(times, times.slice().sort((a, b) => a - b));
    assert.deepEqual([times[1], times[3]], [times[2], times[4]], `${times}`);
    await c.close();
  });
});

ours('finals: each turn knows the one before it', async () => {
  const c = await opened(server, vad);
  c.append(join(turn(), turn(babble(800, 2))));
  const second = await c.event('transcription.completed', 2);
  const [first] = c.of('transcription.completed');
  assert.deepEqual(c.of('committed').map((e) => e.previous_item_id), [null, first.item_id]);
  assert.notEqual(first.item_id, second.item_id);
  await c.close();
});

ours('partials: what is sent of a text is never taken back, and comes before the end of the turn', async () => {
  await withServer(fake({ 'pool.en.max': 1, 'server.partial_interval_ms': 100 }), async (s) => {
    const c = await opened(s, vad);
    c.append(silence(400));
    for (let at = 0; at < 5; at++) c.append(babble(1000, at + 1));
    await c.event('transcription.delta', 2);
    assert.equal(c.of('speech_stopped').length, 0);
    c.append(silence(1200));
    const done = await c.event('transcription.completed');
    assert.equal(c.deltas(done.item_id), done.transcript);
    await c.close();
  });
});

ours('commit: without turn detection a turn is what the client commits, and nothing is said of it before', async () => {
  const c = await opened(server, manual);
  for (let i = 0; i < 3; i++) c.append(babble(700, i + 1));
  c.commit();
  const done = await c.event('transcription.completed');
  const at = c.types().indexOf('input_audio_buffer.committed');
  assert.deepEqual(c.types().slice(0, at), ['session.created', 'session.updated']);
  assert.deepEqual(withoutDeltas(c).slice(2), ['input_audio_buffer.committed', 'conversation.item.added', 'conversation.item.done', 'conversation.item.input_audio_transcription.completed']);
  assert.equal(c.deltas(done.item_id), done.transcript);
  assert.equal(done.transcript.split(' ').length >= 9, true, done.transcript);
  await c.close();
});

ours('commit: a turn that is longer than an utterance may be is one item all the same', async () => {
  await withServer(fake({ 'pool.en.max': 1, 'vad.max_utterance_ms': 1000 }), async (s) => {
    const c = await opened(s, manual);
    for (let i = 0; i < 5; i++) c.append(babble(1000, i + 1));
    c.commit();
    const done = await c.event('transcription.completed');
    assert.equal(c.deltas(done.item_id), done.transcript);
    assert.equal(c.of('committed').length, 1);
    assert.ok(done.usage.seconds >= 5 && done.transcript.split(' ').length > 15, JSON.stringify(done));
    await c.close();
  });
});

const parts = (n, ms = 700) => join(...Array.from({ length: n }, (_, i) => babble(ms, i + 1)));

ours('commit: what comes right behind a large append is obeyed behind it', async () => {
  const [first, second] = [parts(20), babble(900, 3)];
  const alone = [await transcribe(server, { samples: first, rate: 16000 }), await transcribe(server, { samples: second, rate: 16000 })];
  const c = await opened(server, manual);
  c.append(join(first, silence(200)));
  c.commit();
  c.send('session.update', { session: input({ format: { type: 'audio/pcm', rate: 24000 } }) });
  c.append(at24k(first));
  c.commit();
  c.send('session.update', { session: input({ format: pcm16k }) });
  c.append(join(second, silence(200)));
  c.commit();
  await c.event('transcription.completed', 3);
  const [one, two, three] = c.of('transcription.completed');
  assert.deepEqual([one.transcript, three.transcript], alone);
  assert.deepEqual([one, two, three].map((e) => e.usage.seconds), [15, 14, 2]);
  assert.deepEqual(c.of('committed').map((e) => e.item_id), [one, two, three].map((e) => e.item_id));
  await c.close();
});

ours('commit: a large append is held back with the rest where there is no room, and heard in whole', async () => {
  await withServer(fake({ 'pool.en.max': 1, 'pool.en.lease': 'session', 'server.session_buffer_ms': 1000 }), async (s) => {
    const holder = await Client.start(s);
    await holder.event('ready');
    const c = await opened(s, manual);
    for (let i = 0; i < 2; i++) {
      c.append(parts(15));
      c.commit();
    }
    await s.until(async () => (await s.status()).sessions.some((x) => x.state === 'queued'), 'it waits');
    await holder.finish();
    const second = await c.event('transcription.completed', 2);
    const [first] = c.of('transcription.completed');
    assert.deepEqual([first.usage.seconds, second.usage.seconds], [11, 11]);
    assert.equal(first.transcript, second.transcript);
    await c.close();
  });
});

ours('commit: of less than 100 ms is an error that names the message, and the session goes on', async () => {
  const c = await opened(server, manual);
  c.send('input_audio_buffer.commit', { event_id: 'mine_1' });
  const { error } = await c.event('error');
  assert.deepEqual([error.type, error.code, error.event_id, error.param], ['invalid_request_error', 'input_audio_buffer_commit_empty', 'mine_1', null]);
  c.append(babble(50));
  c.commit();
  assert.match((await c.event('error', 2)).error.message, /100 ms/);
  c.append(babble(600));
  c.commit();
  await c.event('transcription.completed');
  await c.close();
});

ours('commit: of silence is completed with no text', async () => {
  const c = await opened(server, vad);
  c.append(silence(500));
  c.commit();
  assert.equal((await c.event('transcription.completed')).transcript, '');
  assert.deepEqual(c.of('delta'), []);
  await c.update({ turn_detection: null });
  c.append(silence(500));
  c.commit();
  assert.equal((await c.event('transcription.completed', 2)).transcript, '');
  await c.close();
});

ours('commit: with turn detection it ends the turn that is open', async () => {
  const c = await opened(server, vad);
  c.append(join(silence(300), babble(1500)));
  await c.event('speech_started');
  c.commit();
  const done = await c.event('transcription.completed');
  assert.deepEqual(c.of('committed').map((e) => e.item_id), [done.item_id]);
  assert.equal(c.of('speech_stopped').length, 1);
  await c.close();
});

ours('clear: what was given is dropped and no item comes of it', async () => {
  const c = await opened(server, manual);
  c.send('input_audio_buffer.clear');
  await c.event('cleared');
  c.append(babble(900, 3));
  c.send('input_audio_buffer.clear');
  await c.event('cleared', 2);
  c.append(babble(600, 5));
  c.commit();
  const { transcript } = await c.event('transcription.completed');
  const alone = await transcribe(server, { samples: babble(600, 5), rate: 16000 });
  assert.equal(transcript, alone);
  assert.equal(c.of('committed').length, 1);
  await c.close();
});

ours('realtime-commit-race: with turn detection a commit right behind the server\'s own end is no error', async () => {
  const c = await opened(server, { ...vad, transcription: { model: 'gpt-4o-transcribe' } });
  for (let i = 1; i <= 3; i++) {
    c.append(turn(babble(900, i)));
    await c.event('committed', c.of('committed').length + 1);
    c.commit();
    c.commit();
    await c.event('transcription.completed', c.of('committed').length);
  }
  c.send('session.update', { session: {} });
  await c.event('session.updated', 2);
  assert.deepEqual(c.of('error'), []);
  const items = (type) => c.of(type).map((e) => e.item_id).sort();
  assert.deepEqual(items('completed'), items('committed'));
  assert.equal(c.of('completed').filter((e) => e.transcript).length, 3);
  await c.close();
});

ours('realtime-commit-race: a commit in the middle of a turn that has just begun ends it', async () => {
  await withServer(fake({ 'pool.en.max': 1, 'vad.max_utterance_ms': 1000 }), async (s) => {
    const c = await opened(s, vad);
    c.append(join(silence(300), babble(1050)));
    await c.event('committed');
    c.commit();
    await c.event('transcription.completed', c.of('committed').length);
    assert.deepEqual(c.of('error'), []);
    await c.close();
  });
});

ours('realtime-commit-race: a model that has no turn detection with OpenAI has none here, unless it is asked for', async () => {
  const detection = (session) => session.audio.input.turn_detection;
  for (const model of ['gpt-realtime-whisper', 'gpt-live-transcribe-2026-08-01']) {
    const c = await Realtime.open(server, { query: `?model=${model}` });
    assert.equal(detection((await c.event('session.created')).session), null);
    assert.equal(detection(await c.update({ transcription: { model, language: 'en' } })), null);
    assert.equal(detection(await c.update({ transcription: { model: 'whisper-1' } })).type, 'server_vad');
    assert.equal(detection(await c.update({ transcription: { model } })), null);
    assert.equal(detection(await c.update({ turn_detection: { type: 'server_vad' } })).type, 'server_vad');
    assert.equal(detection(await c.update({ transcription: { model: 'other' } })).type, 'server_vad');
    assert.equal(detection(await c.update({ transcription: { model } })).type, 'server_vad');
    await c.close();
  }
  await withServer(fake({ 'server.openai_commit_models': 'my-*' }), async (s) => {
    const c = await opened(s, { transcription: { model: 'my-model' }, format: pcm16k });
    c.append(turn());
    c.commit();
    await c.event('transcription.completed');
    assert.deepEqual(c.of('speech_started'), []);
    await c.close();
  });
});

// ---- silence ----

const quick = { 'server.idle_timeout_ms': 300, 'server.start_timeout_ms': 300, 'pool.en.lease': 'session' };

ours('realtime-idle-error: who is silent gives the recogniser back, is told nothing, and is heard again', async () => {
  await withServer(fake({ ...quick, 'pool.en.max': 1 }), async (s) => {
    const [one, two] = [await opened(s, vad), await opened(s, { ...vad, transcription: { language: 'en' } })];
    const gone = () => s.until(async () => (await s.status()).sessions.length === 0, 'the place is given back');
    for (let i = 1; i <= 2; i++) {
      for (const c of [one, two]) {
        c.append(turn(babble(800, i)));
        await c.event('transcription.completed', i);
        await gone();
        c.append(silence(400)); // a microphone that is opened
        await s.until(async () => (await s.status()).sessions.length === 1, 'there is one again');
        await gone();
      }
    }
    for (const c of [one, two]) {
      const [started, again] = c.of('speech_started').map((e) => e.audio_start_ms);
      assert.ok(again - started >= 2800 - 300 && again - started <= 2800 + 300, `${started} ${again}: the time goes on`);
      assert.equal(c.of('completed').filter((e) => e.transcript === '').length, 0);
      assert.equal(new Set(c.of('completed').map((e) => e.item_id)).size, 2);
      assert.deepEqual([c.of('error'), c.closed], [[], undefined]);
      await c.close();
    }
  });
});

ours('realtime-idle-error: a turn that waits for its commit gives the place back too, and is gone on with', async () => {
  await withServer(fake(quick), async (s) => {
    const c = await opened(s, manual);
    const given = (n) => s.until(async () => (await s.metrics()).sessions_closed_total === n, 'the place is given back');
    for (let i = 1; i <= 2; i++) {
      c.append(babble(800, i));
      await given(i);
    }
    c.commit();
    const done = await c.event('transcription.completed');
    assert.equal(c.deltas(done.item_id), done.transcript);
    assert.deepEqual([done.usage.seconds, c.of('committed').length], [2, 1]);
    c.append(babble(900, 3));
    c.commit();
    assert.notEqual((await c.event('transcription.completed', 2)).transcript, '');
    c.append(babble(700, 4));
    await given(3);
    c.send('input_audio_buffer.clear');
    await c.event('cleared');
    c.commit();
    assert.equal((await c.event('error')).error.code, 'input_audio_buffer_commit_empty');
    await c.close();
  });
});

ours('realtime-idle-error: a commit of silence that was heard long ago is answered', async () => {
  await withServer(fake(quick), async (s) => {
    const c = await opened(s, vad);
    c.append(silence(500));
    await s.until(async () => (await s.metrics()).sessions_closed_total === 1, 'its place is given back');
    c.commit();
    assert.equal((await c.event('transcription.completed')).transcript, '');
    c.append(turn());
    assert.notEqual((await c.event('transcription.completed', 2)).transcript, '');
    await c.close();
  });
});

ours('realtime-idle-error: one that only connects is kept, and ended after openai_realtime_timeout_ms', async () => {
  await withServer(fake({ ...quick, 'server.openai_realtime_timeout_ms': 2000 }), async (s) => {
    const c = await Realtime.open(s);
    await deadline(c.ended, () => 'the end');
    assert.deepEqual(c.types(), ['session.created', 'error']);
    assert.deepEqual([c.events[1].error.code, c.events[1].error.message, c.closed.code], ['session_expired', 'nothing came for openai_realtime_timeout_ms 2000', 1008]);
  });
});

// ---- settings ----

ours('sample rates: 8, 16, 24 and 48 kHz, mu-law and A-law are heard', async () => {
  for (const format of [8000, 16000, 24000, 48000].map((rate) => ({ type: 'audio/pcm', rate }))) {
    const c = await opened(server, { format, turn_detection: null });
    c.append(babble(3000));
    c.commit();
    const { usage } = await c.event('transcription.completed');
    assert.equal(usage.seconds, Math.ceil((3 * 16000) / format.rate - 0.02), JSON.stringify(format));
    await c.close();
  }
  for (const type of ['audio/pcmu', 'audio/pcma']) {
    const c = await opened(server, { format: { type }, turn_detection: null });
    c.append(Buffer.alloc(16000, 0x37));
    c.commit();
    assert.equal((await c.event('transcription.completed')).usage.seconds, 2);
    await c.close();
  }
});

ours('session: an update is a patch, and the answer is the whole', async () => {
  const c = await Realtime.open(server);
  const { session } = await c.event('session.created');
  assert.deepEqual(session.audio.input, { format: { type: 'audio/pcm', rate: 24000 }, transcription: null, noise_reduction: null,
    turn_detection: { type: 'server_vad', threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: 600 } });
  assert.deepEqual([session.object, session.type, session.include], ['realtime.transcription_session', 'transcription', null]);
  let now = await c.update({ transcription: { model: 'gpt-4o-transcribe', language: 'en', prompt: '' }, noise_reduction: { type: 'near_field' } });
  assert.deepEqual(now.audio.input.transcription, { model: 'gpt-4o-transcribe', language: 'en' });
  assert.deepEqual(now.audio.input.turn_detection, session.audio.input.turn_detection);
  now = await c.update({ transcription: { language: null }, turn_detection: { type: 'server_vad', silence_duration_ms: 20, threshold: 0.25 } });
  assert.deepEqual(now.audio.input.transcription, { model: 'gpt-4o-transcribe' });
  assert.deepEqual(now.audio.input.turn_detection, { type: 'server_vad', threshold: 0.25, prefix_padding_ms: 300, silence_duration_ms: 100 });
  assert.deepEqual(now.audio.input.noise_reduction, { type: 'near_field' });
  now = await c.update({ turn_detection: null });
  assert.equal(now.audio.input.turn_detection, null);
  now = await c.update({ turn_detection: { type: 'semantic_vad', eagerness: 'high', create_response: false } });
  assert.deepEqual(now.audio.input.turn_detection, { type: 'semantic_vad', eagerness: 'high', create_response: false });
  assert.equal(now.id, session.id);
  await c.close();
});

ours('session: what changes between turns holds for the next one', async () => {
  const c = await opened(server, manual);
  c.append(babble(800));
  c.commit();
  await c.event('transcription.completed');
  await c.update({ turn_detection: vad.turn_detection });
  c.append(turn());
  await c.event('transcription.completed', 2);
  assert.equal(c.of('speech_started').length, 1);
  c.append(babble(500, 4));
  await c.update({ turn_detection: null });
  c.append(babble(800));
  c.commit();
  const even = (a, b) => c.of(a).length === c.of(b).length;
  await server.until(() => even('speech_started', 'speech_stopped') && even('committed', 'transcription.completed'), 'what began has ended');
  assert.equal(c.of('error').length, 0);
  await c.close();
});

ours('session: an open turn of the client is committed where turn detection takes over', async () => {
  const c = await opened(server, manual);
  c.append(babble(800));
  await c.update({ turn_detection: vad.turn_detection });
  const done = await c.event('transcription.completed');
  assert.notEqual(done.transcript, '');
  c.append(turn(babble(900, 2)));
  await c.event('speech_started');
  await c.event('transcription.completed', 2);
  await c.close();
});

ours('session: the model chooses the pool before audio comes, and not after; another server\'s name is taken', async () => {
  const pools = ['--set', 'pool.de.engine=fake', '--set', 'pool.de.max=1', '--set', 'pool.de.param.model=other'];
  await withServer([...fake(), ...pools], async (s) => {
    const c = await opened(s, { ...manual, transcription: { model: 'de' } }, { query: '?model=gpt-realtime' });
    c.append(babble(600));
    await s.until(async () => (await s.pool('de')).counts.leased === 1, 'the pool de hears it');
    c.send('session.update', { session: input({ transcription: { model: 'en' } }), event_id: 'late' });
    const { error } = await c.event('error');
    assert.deepEqual([error.param, error.event_id], ['session.audio.input.transcription.model', 'late']);
    c.commit();
    await c.event('transcription.completed');
    await c.close();
  });
});

ours('session: the language chooses the pool where the model names none', async () => {
  await withServer([...fake(), '--set', 'pool.de-small.engine=fake', '--set', 'pool.de-small.max=1'], async (s) => {
    for (const [language, pool] of [['de', 'de-small'], ['en', 'en'], ['fr', 'en']]) {
      const c = await opened(s, { ...manual, transcription: { model: 'gpt-4o-transcribe', language } });
      c.append(babble(600));
      await s.until(async () => (await s.pool(pool)).counts.leased === 1, `the pool ${pool} hears ${language}`);
      c.commit();
      await c.event('transcription.completed');
      await c.close();
      await s.until(async () => (await s.status()).sessions.length === 0, 'it has gone');
    }
  });
});

ours('dialect: with the beta header the session is flat, and an item is created', async () => {
  const c = await Realtime.open(server, { headers: { 'OpenAI-Beta': 'realtime=v1' } });
  const { session } = await c.event('transcription_session.created');
  assert.equal(c.events[0].type, 'transcription_session.created');
  assert.deepEqual([session.input_audio_format, session.input_audio_transcription, session.client_secret], ['pcm16', null, null]);
  c.send('transcription_session.update', { session: { input_audio_format: 'pcm16', input_audio_transcription: { model: 'whisper-1', language: '', prompt: '' },
    input_audio_noise_reduction: { type: 'far_field' }, turn_detection: { type: 'server_vad', silence_duration_ms: 400 }, include: [] } });
  const { session: now } = await c.event('transcription_session.updated');
  assert.deepEqual(now.input_audio_transcription, { model: 'whisper-1' });
  assert.equal(now.turn_detection.silence_duration_ms, 400);
  c.append(at24k(turn()));
  await c.event('transcription.completed');
  assert.equal(c.of('conversation.item.created').length, 1);
  assert.equal(c.of('item.added').length + c.of('item.done').length, 0);
  await c.close();
});

ours('dialect: a client without the header that speaks beta is answered so; flat keys are taken in session.update too', async () => {
  const c = await Realtime.open(server, { query: '' });
  await c.event('session.created');
  c.send('session.update', { session: { modalities: ['text'], instructions: 'x', input_audio_format: 'g711_ulaw', turn_detection: null } });
  assert.deepEqual((await c.event('session.updated')).session.audio.input.format, { type: 'audio/pcmu' });
  c.send('transcription_session.update', { session: {} });
  assert.equal((await c.event('transcription_session.updated')).session.input_audio_format, 'g711_ulaw');
  await c.close();
});

// ---- errors ----

ours('errors: what cannot be is told with its code and field, nothing of it holds, and the session goes on', async () => {
  const c = await opened(server, manual);
  const update = (session) => ({ type: 'session.update', session });
  const wrong = [
    ['{', 'invalid_json', null],
    ['[]', 'invalid_json', null],
    [{}, 'missing_required_parameter', 'type'],
    [{ type: 'input_audio_buffer.open' }, 'invalid_value', 'type'],
    [{ type: 'input_audio_buffer.append' }, 'missing_required_parameter', 'audio'],
    [{ type: 'input_audio_buffer.append', audio: 7 }, 'invalid_type', 'audio'],
    [{ type: 'input_audio_buffer.append', audio: '####' }, 'invalid_value', 'audio'],
    [{ type: 'session.update' }, 'missing_required_parameter', 'session'],
    [update({ colour: 'red' }), 'unknown_parameter', 'session.colour'],
    [update({ type: 'song' }), 'invalid_value', 'session.type'],
    [update(input({ format: { type: 'audio/mp3' } })), 'invalid_value', 'session.audio.input.format.type'],
    [update(input({ format: { type: 'audio/pcm', rate: 300000 } })), 'invalid_value', 'session.audio.input.format.rate'],
    [update(input({ turn_detection: {} })), 'missing_required_parameter', 'session.audio.input.turn_detection.type'],
    [update(input({ turn_detection: { type: 'server_vad', threshold: 2 } })), 'invalid_value', 'session.audio.input.turn_detection.threshold'],
    [update(input({ format: { type: 'audio/pcmu' }, transcription: 'x' })), 'invalid_type', 'session.audio.input.transcription'],
  ];
  for (const [message, code, param] of wrong) {
    const n = c.of('error').length + 1;
    c.ws.send(typeof message === 'string' ? message : JSON.stringify({ event_id: `e${n}`, ...message }));
    const { error } = await c.event('error', n);
    assert.deepEqual([error.type, error.code, error.param, error.event_id], ['invalid_request_error', code, param, typeof message === 'string' ? null : `e${n}`], JSON.stringify(message));
  }
  c.ws.send(Buffer.alloc(10));
  await c.event('error', wrong.length + 1);
  assert.deepEqual((await c.update({})).audio.input.format, pcm16k);
  await c.close();
});

ours('errors: a large append that is wrong at its end is taken in no part, and a large update as any other', async () => {
  const c = await opened(server, manual);
  c.send('input_audio_buffer.append', { audio: `${base64(parts(20))}?`, event_id: 'mine' });
  c.commit();
  const { error } = await c.event('error');
  assert.deepEqual([error.code, error.param, error.event_id], ['invalid_value', 'audio', 'mine']);
  assert.equal((await c.event('error', 2)).error.code, 'input_audio_buffer_commit_empty');
  c.send('session.update', { session: { instructions: 'x'.repeat(200000), colour: 'red' }, event_id: 'other' });
  assert.deepEqual([(await c.event('error', 3)).error.param, c.of('error')[2].error.event_id], ['session.colour', 'other']);
  c.send('session.update', { session: { instructions: 'x'.repeat(200000) } });
  await c.event('session.updated', 2);
  await c.close();
});

ours('errors: what only a conversation needs is passed over without one', async () => {
  const c = await opened(server, manual);
  for (const type of ['response.create', 'response.cancel', 'conversation.item.create', 'conversation.item.retrieve', 'conversation.item.delete', 'conversation.item.truncate', 'output_audio_buffer.clear'])
    c.send(type, { response: {}, item_id: 'x' });
  c.append(babble(500));
  c.commit();
  await c.event('transcription.completed');
  assert.equal(c.of('error').length, 0);
  await c.close();
});

ours('errors: a turn that its recogniser cannot hear has failed, once, and the next is heard', async () => {
  const c = await opened(server, manual);
  c.append(join(babble(400), fault('fail', 'end'), babble(400)));
  c.commit();
  const { error, item_id } = await c.event('transcription.failed');
  assert.deepEqual([error.type, error.code], ['server_error', 'server_error']);
  assert.equal(c.of('committed')[0].item_id, item_id);
  c.append(babble(800));
  c.commit();
  await c.event('transcription.completed');
  assert.equal(c.of('failed').length, 1);
  await c.close();
});

ours('errors: a model of the URL that is not properly encoded is refused before there is a WebSocket', async () => {
  const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': 13, 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==' };
  const { status, body } = await server.get('/v1/realtime?model=gpt%4', { headers });
  assert.equal(status, 400);
  assert.equal(JSON.parse(body).error.message, 'model in the query is not properly percent-encoded');
});

ours('errors: garbage from one client is felt by no other', async () => {
  const good = await opened(server, vad);
  const bad = await Realtime.open(server);
  for (let i = 0; i < 500; i++) bad.ws.send(i % 2 ? '{"type":"\\ud800"}' : Buffer.from([0xff, i & 255]), { binary: false });
  await deadline(bad.ended, () => 'the end of a client whose text is not UTF-8');
  assert.equal(bad.closed.code, 1007);
  const huge = await opened(server, manual);
  huge.ws.on('error', () => {});
  huge.ws.send(JSON.stringify({ type: 'input_audio_buffer.append', audio: 'A'.repeat(17e6) }));
  await deadline(huge.ended, () => 'the end of a client whose message is too large');
  good.append(turn());
  await good.event('transcription.completed');
  await good.close();
});

ours('errors: one append of 12 MB of audio is heard', async () => {
  await withServer(fake({ 'vad.max_utterance_ms': 120000 }), async (s) => {
    const c = await opened(s, { format: { type: 'audio/pcm', rate: 48000 }, turn_detection: null });
    c.append(join(new Int16Array(5.2e6), babble(18000)));
    c.commit();
    const { usage, transcript } = await c.event('transcription.completed');
    assert.equal(usage.seconds, 115);
    assert.notEqual(transcript, '');
    await c.close();
  });
});

// ---- who may, and when ----

ours('auth: without a key 401 in OpenAI\'s words; with one, by header or as browsers bring it', async () => {
  await withKeys({ alice: {} }, {}, async (s, { alice }) => {
    for (const headers of [{}, { Authorization: 'Bearer sk-wrong' }]) {
      await assert.rejects(Realtime.open(s, { headers }), (e) => {
        const { error } = JSON.parse(e.body);
        return e.status === 401 && error.code === 'invalid_api_key' && error.type === 'invalid_request_error';
      });
    }
    const c = await opened(s, manual, { headers: { Authorization: `Bearer ${alice}` } });
    await c.close();
    const browser = await opened(s, manual, { protocols: ['realtime', `openai-insecure-api-key.${alice}`] });
    assert.equal(browser.ws.protocol, 'realtime');
    await browser.close();
  });
});

ours('auth: a key that may have one session is told so at the second, whose turn is not begun', async () => {
  await withKeys({ alice: { sessions: 1 } }, {}, async (s, { alice }) => {
    const options = { headers: { Authorization: `Bearer ${alice}` } };
    const c = await opened(s, manual, options);
    c.append(babble(300));
    await s.until(async () => (await s.status()).sessions.length === 1, 'the first has its session');
    const second = await opened(s, manual, options);
    second.append(babble(300));
    const { error } = await second.event('error');
    assert.deepEqual([error.type, error.code], ['rate_limit_error', 'rate_limit_exceeded']);
    await deadline(second.ended, () => 'its end');
    await c.close();
  });
});

ours('queue: a client that waits is told nothing of it, and is heard when there is room', async () => {
  await withServer(fake({ 'pool.en.max': 1, 'pool.en.lease': 'session' }), async (s) => {
    const holder = await Client.start(s);
    await holder.event('ready');
    const c = await opened(s, manual);
    c.append(babble(900));
    c.commit();
    await s.until(async () => (await s.status()).sessions.some((x) => x.state === 'queued'), 'it waits');
    assert.deepEqual(c.types(), ['session.created', 'session.updated']);
    await holder.finish();
    await c.event('transcription.completed');
    await c.close();
  });
});

ours('queue: a full one is an error and close code 1013; a full server answers 503 with Retry-After', async () => {
  await withServer(fake({ 'pool.en.max': 1, 'pool.en.lease': 'session', 'pool.en.queue_max': 0, 'server.max_sessions': 1 }), async (s) => {
    const early = await opened(s, manual);
    const holder = await Client.start(s);
    await holder.event('ready');
    await assert.rejects(Realtime.open(s), (e) => e.status === 503 && e.headers['retry-after'] === '1' && JSON.parse(e.body).error.type === 'server_error');
    early.append(babble(300));
    const { error } = await early.event('error');
    assert.deepEqual([error.type, error.code], ['rate_limit_error', 'rate_limit_exceeded']);
    assert.equal((await deadline(early.ended, () => 'the end')).code, 1013);
    await holder.finish();
  });
});

ours('end: a client that leaves in the middle of a turn gives its place back', async () => {
  const c = await opened(server, vad);
  c.append(babble(1500));
  await c.event('speech_started');
  assert.equal((await c.close()).code, 1000);
  await server.checkSums();
});

ours('end: a client that leaves behind a large append gives its place back', async () => {
  const c = await opened(server, vad);
  c.append(parts(300));
  c.append(parts(300));
  assert.equal((await c.close()).code, 1000);
  const gone = await opened(server, vad);
  gone.append(parts(300));
  gone.ws.terminate();
  await server.checkSums();
});

ours('end: a client that waits without audio is told when the server leaves', async () => {
  await withServer(fake(), async (s) => {
    const c = await opened(s, manual);
    s.child.kill('SIGTERM');
    const { error } = await c.event('error');
    assert.equal(error.code, 'session_expired');
    assert.equal((await deadline(c.ended, () => 'the end')).code, 1012);
  }, { sums: false });
});

// ---- words ----

test('openai-realtime finals: two clients at once hear their own words alone', { skip }, async () => {
  await withServer(set({ 'pool.en.max': 2 }), async (s) => {
    const go = clip('goforward');
    const other = speak(sentences[0]);
    const both = await Promise.all([transcribe(s, go), transcribe(s, other)]);
    assertSaid(both, [clip('goforward').words, other.words]);
  });
});
