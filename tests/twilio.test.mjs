// Phone calls: Twilio Media Streams come in, transcripts go to those who watch.
import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run, set, fake, withServer } from './lib/server.mjs';
import { babble, clip, join, sentences, silence, speak } from './lib/speech.mjs';
import { encode, resample } from './lib/audio.mjs';
import { Client } from './lib/client.mjs';
import { Call, Watcher, transcribe } from './lib/protocols/twilio.mjs';

const real = set({ 'pool.en.max': 4 });

// The model knows the whole band, so not all that is said on a phone is understood; but it is what the native protocol makes
// of the same bytes.
async function phoned(server, samples) {
  const c = await Client.start(server, { encoding: 'mulaw', sample_rate: 8000 });
  c.binary(encode(resample(samples, 16000, 8000), 'mulaw'));
  await c.finish();
  assert.notEqual(c.text, '');
  return c.text;
}

async function withKeys(names, body) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-keys-'));
  const file = path.join(dir, 'keys');
  const keys = {};
  for (const name of names) keys[name] = (await run(['keys', 'add', name, '--file', file])).stdout.match(/sp_[\w-]+/)[0];
  try {
    await withServer([...fake({ 'pool.en.max': 4 }), '--set', `server.keys_file=${file}`, '--set', 'server.start_timeout_ms=2000'], (server) => body(server, keys));
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
}

test('twilio finals: a clip on the phone is heard, though the stream is closed right behind stop', async () => {
  await withServer(real, async (server) => {
    const said = clip('goforward');
    assert.equal(await transcribe(server, said), await phoned(server, said.samples));
  });
});

test('twilio sample rates: each track is heard by itself, and nothing is sent on the stream', async () => {
  await withServer(real, async (server) => {
    const watcher = await Watcher.open(server);
    const call = await Call.open(server, { start: { tracks: ['inbound', 'outbound'] } });
    call.audio(speak(sentences[0]).samples, { track: 'inbound' });
    call.audio(speak(sentences[1]).samples, { track: 'outbound' });
    call.stop();
    assert.equal((await call.client.end()).code, 1000);
    assert.deepEqual(call.client.events, []);
    await watcher.event('stop');
    assert.equal(watcher.text('inbound'), await phoned(server, speak(sentences[0]).samples));
    assert.equal(watcher.text('outbound'), await phoned(server, speak(sentences[1]).samples));
  });
});

test('twilio partials, speech events: those who watch are told what is said while it is said, in order', async () => {
  await withServer(fake(), async (server) => {
    const watcher = await Watcher.open(server);
    const call = await Call.open(server);
    call.audio(babble(4000));
    await watcher.event('partial');
    call.audio(silence(1500));
    await watcher.event('transcript');
    call.send('dtmf', { dtmf: { track: 'inbound_track', digit: '1' } });
    call.send('mark', { mark: { name: 'm1' } });
    call.send('tomorrow');
    call.hangUp();
    await watcher.event('stop');
    const events = watcher.client.events;
    assert.deepEqual([...new Set(events.map((e) => e.event))], ['connected', 'speech_start', 'partial', 'transcript', 'stop']);
    for (const e of events) assert.deepEqual([e.callSid, e.streamSid], [call.callSid, call.streamSid]);
    for (const e of events.slice(1, -1)) assert.deepEqual([e.track, e.utterance], ['inbound', 1]);
  });
});

test('twilio word times: times are seconds of the call, over gaps that are short or long', async () => {
  await withServer(fake(), async (server) => {
    const watcher = await Watcher.open(server);
    const call = await Call.open(server);
    const starts = [0, 5, 65]; // s of the call
    call.audio(babble(2000));
    call.audio(babble(2000), { skip_ms: 3000 });
    call.audio(babble(2000), { skip_ms: 58000 });
    call.hangUp();
    await watcher.event('stop');
    const all = watcher.all('transcript');
    assert.equal(all.length, 3);
    all.forEach((t, i) => {
      assert.ok(Math.abs(t.start - starts[i]) < 0.5, `${i} begins at ${t.start}`);
      assert.ok(t.end > t.start && t.confidence >= 0 && t.confidence <= 1);
      assert.ok(t.words.length > 0 && t.words.every((w) => w.text && w.start >= t.start && w.end <= t.end + 0.01 && w.confidence >= 0), JSON.stringify(t));
    });
  });
});

test('twilio: those who watch ask for a call, a stream or all, before the call or during it', async () => {
  await withServer(fake({ 'pool.en.max': 4 }), async (server) => {
    const all = await Watcher.open(server);
    const one = await Call.open(server);
    const two = await Call.open(server);
    await all.event('connected', 1);
    const late = await Watcher.open(server, { callSid: one.callSid });
    const stream = await Watcher.open(server, { streamSid: two.streamSid });
    const other = await Watcher.open(server, { callSid: 'CA0' });
    for (const call of [one, two]) {
      call.audio(babble(2000));
      call.hangUp();
    }
    await Promise.all([late.event('stop'), stream.event('stop'), all.event('stop', 1)]);
    const seen = (w) => [...new Set(w.client.events.map((e) => e.callSid))].sort();
    assert.deepEqual(seen(all), [one.callSid, two.callSid].sort());
    assert.deepEqual(seen(late), [one.callSid]);
    assert.deepEqual(seen(stream), [two.callSid]);
    assert.deepEqual(seen(other), []);
    assert.equal(late.client.events[0].event, 'connected');
  });
});

test('twilio: inline brings the transcripts on the stream itself; a pool is named by a parameter or by the path', async () => {
  await withServer([...fake(), ...set({ 'pool.other.engine': 'fake' })], async (server) => {
    for (const how of [{ parameters: { inline: 'true', pool: 'other' } }, { path: '/twilio/other', parameters: { inline: 'true' } }]) {
      const call = await Call.open(server, how);
      await call.client.until(() => call.client.events.length > 0);
      assert.equal((await server.status()).sessions[0].pool, 'other');
      call.audio(babble(2000));
      call.stop();
      assert.equal((await call.client.end()).code, 1000);
      assert.deepEqual(call.client.events.map((e) => e.event).filter((e) => e !== 'partial'), ['connected', 'speech_start', 'transcript', 'stop']);
      await server.until(async () => (await server.status()).sessions.length === 0, 'the call is gone');
    }
  });
});

test('twilio auth: the key comes as a parameter, and one sees the calls of one\'s own key only', async () => {
  await withKeys(['alice', 'bob'], async (server, keys) => {
    const bearer = (name) => ({ headers: { Authorization: `Bearer ${keys[name]}` } });
    await assert.rejects(Watcher.open(server), { status: 401 });
    const alice = await Watcher.open(server, bearer('alice'));
    const bob = await Watcher.open(server, bearer('bob'));
    const good = await Call.open(server, { parameters: { key: keys.alice } });
    await alice.event('connected');
    good.audio(babble(2000));
    good.hangUp();
    await alice.event('stop');
    assert.equal(alice.all('transcript').length, 1);
    const tested = await Call.open(server, { path: `/twilio?token=${keys.bob}` });
    await bob.event('connected');
    tested.hangUp();
    await bob.event('stop');
    assert.deepEqual([...new Set(bob.client.events.map((e) => e.callSid))], [tested.callSid]);
    assert.ok(alice.client.events.every((e) => e.callSid === good.callSid));
    for (const parameters of [{}, { key: 'wrong' }, { key: '' }]) {
      const bad = await Call.open(server, { parameters });
      const { code, reason } = await bad.client.end();
      assert.equal(code, 1008);
      assert.match(reason, /key/);
    }
    await assert.rejects(Call.open(server, { path: '/twilio?token=wrong' }), { status: 401 });
    const silent = await Call.open(server, { begin: false });
    assert.match((await silent.client.end()).reason, /start_timeout_ms/);
    assert.equal((await server.status()).sessions.length, 0);
  });
});

test('twilio queue: a call that has to wait is heard when it has its place, and one too many is closed', async () => {
  await withServer(fake({ 'pool.en.max': 1, 'pool.en.queue_max': 1 }), async (server) => {
    const watcher = await Watcher.open(server);
    const first = await Call.open(server);
    await server.untilMetric('sessions', 1);
    const second = await Call.open(server);
    await server.untilMetric('sessions', 2);
    const third = await Call.open(server);
    const { code, reason } = await third.client.end();
    assert.equal(code, 1013);
    assert.match(reason, /queue_max 1/);
    assert.match((await watcher.event('error')).message, /queue_max 1/);
    second.audio(babble(2000));
    second.stop();
    first.hangUp();
    assert.equal((await second.client.end()).code, 1000);
    await watcher.client.until(() => watcher.all('stop').length === 3);
    assert.deepEqual(watcher.all('transcript').map((t) => t.callSid), [second.callSid]);
  });
});

test('twilio end: of a stream that is lost without stop, all that had come is told', async () => {
  await withServer(fake(), async (server) => {
    const watcher = await Watcher.open(server);
    const call = await Call.open(server);
    call.audio(babble(3000));
    await watcher.event('speech_start');
    call.client.vanish();
    await watcher.event('stop');
    assert.equal(watcher.all('transcript').length, 1);
  });
});

test('twilio end: a call of which nothing was heard so far is told when the server leaves', () =>
  withServer(fake({ 'server.drain_timeout_ms': 600000 }), async (server) => {
    const call = await Call.open(server, { start: { tracks: [] } });
    const watch = await Watcher.open(server);
    await watch.event('connected');
    server.child.kill('SIGTERM');
    assert.equal((await call.client.end()).code, 1012);
    await watch.event('stop');
    assert.equal((await watch.client.end()).code, 1012);
  }, { sums: false }));

test('twilio: two calls at once hear only their own words', async () => {
  await withServer(real, async (server) => {
    const watcher = await Watcher.open(server);
    const calls = await Promise.all(sentences.map(() => Call.open(server)));
    calls.forEach((c, i) => c.audio(speak(sentences[i]).samples));
    calls.forEach((c) => c.hangUp());
    await watcher.event('stop', 1);
    for (const [i, c] of calls.entries()) {
      const text = watcher.all('transcript').filter((t) => t.callSid === c.callSid).map((t) => t.text).filter(Boolean).join(' ');
      assert.equal(text, await phoned(server, speak(sentences[i]).samples));
    }
  });
});

const refused = [
  ['no JSON', (c) => c.client.send('hello'), /not JSON/],
  ['no event', (c) => c.client.send({}), /no text "event"/],
  ['media before start', (c) => c.media('////', { timestamp: 0 }), /media came before start/],
  ['start twice', (c) => (c.start(), c.start()), /start was sent twice/],
  ['wrong base64', (c) => (c.start(), c.media('??', { timestamp: 0 })), /not base64/],
  ['media without payload', (c) => (c.start(), c.send('media', { media: {} })), /media.payload/],
  ['another format', (c) => c.start({ mediaFormat: { encoding: 'audio/x-l16', sampleRate: 16000, channels: 1 } }), /audio\/x-mulaw/],
  ['another track', (c) => c.start({ tracks: ['both'] }), /a track is/],
  ['a pool that is not there', (c) => c.start({}, { pool: 'xx' }), /there is no pool "xx"/],
  ['a binary message', (c) => c.client.binary(Buffer.alloc(160)), /Media Streams are JSON/],
];

test('twilio errors: what cannot be closes its own stream with the reason, and no other call notices', async () => {
  await withServer(fake({ 'pool.en.max': 4 }), async (server) => {
    const other = await Call.open(server);
    const watcher = await Watcher.open(server, { callSid: other.callSid });
    await watcher.event('connected');
    other.audio(babble(1000));
    for (const [what, send, why] of refused) {
      const c = await Call.open(server, { begin: false });
      send(c);
      const { code, reason } = await c.client.end();
      assert.equal(code, 1008, what);
      assert.match(reason, why, what);
      assert.deepEqual(c.client.events, [], what);
    }
    for (let i = 1; i <= 5; i++) other.media('', { timestamp: 1000 + i * 100000 }); // a clock that runs
    other.audio(babble(1000));
    other.hangUp();
    await watcher.event('stop');
    assert.deepEqual(watcher.all('error'), []);
    assert.ok(watcher.all('transcript').length >= 1, JSON.stringify(watcher.client.events));
  });
});

test('twilio errors: one who watches and does not read holds up neither the call nor others who watch', async () => {
  await withServer(fake(), async (server) => {
    const good = await Watcher.open(server);
    const bad = await Watcher.open(server);
    bad.client.socket.pause();
    const call = await Call.open(server);
    for (let i = 0; i < 10; i++) call.audio(join(babble(1500, i + 1), silence(1000)));
    call.hangUp();
    await good.event('stop');
    assert.equal(good.all('transcript').length, 10);
    assert.equal(good.client.closed, null);
    bad.client.vanish();
  });
});

test('twilio end: when the server leaves, what is being said on one track is heard to its end, though the other is silent', () =>
  withServer(fake({ 'pool.en.max': 2 }), async (server) => {
    const watcher = await Watcher.open(server);
    const call = await Call.open(server, { start: { tracks: ['inbound', 'outbound'] } });
    call.audio(silence(2000), { track: 'inbound' });
    call.audio(babble(2000), { track: 'outbound' });
    await watcher.event('partial');
    server.child.kill('SIGTERM');
    await server.says(/draining/);
    call.audio(silence(2000), { track: 'inbound' });
    call.audio(join(babble(500, 2), silence(1500)), { track: 'outbound' });
    assert.equal((await call.client.end()).code, 1012);
    await watcher.event('stop');
    assert.notEqual(watcher.text('outbound'), '');
  }, { sums: false }));

test('twilio finals: what was said is told though nothing comes after it, as of calls that send no silence', () =>
  withServer(fake(), async (server) => {
    const watcher = await Watcher.open(server);
    const call = await Call.open(server);
    call.audio(babble(2000));
    const first = await watcher.event('transcript');
    assert.ok(first.text && first.end < 2.5, JSON.stringify(first));
    call.audio(babble(2000, 3), { skip_ms: 20000 });
    call.hangUp();
    await watcher.event('stop');
    assert.equal(watcher.all('transcript').length, 2);
    assert.ok(watcher.all('transcript')[1].start > 21.5, JSON.stringify(watcher.all('transcript')[1]));
  }));

test('twilio end: a track of which nothing comes is not ended for it while the other one speaks', () =>
  withServer(fake({ 'pool.en.max': 3, 'server.idle_timeout_ms': 5000 }), async (server) => {
    const watcher = await Watcher.open(server);
    const call = await Call.open(server, { start: { tracks: ['inbound', 'outbound'] } });
    const timer = setInterval(() => call.audio(silence(200)), 200);
    const idle = await Call.open(server, { start: { tracks: ['outbound'] } });
    const deaf = await Call.open(server, { start: { tracks: [] } });
    for (const c of [idle, deaf]) {
      const { code, reason } = await c.client.end(); // by then a call would be idle
      assert.equal(code, 1008);
      assert.match(reason, /idle_timeout_ms 5000/);
    }
    clearInterval(timer);
    assert.equal(call.client.closed, null);
    call.audio(babble(2000), { track: 'outbound' });
    call.hangUp();
    await watcher.client.until(() => watcher.all('stop').length === 3, 'the end of all calls');
    assert.notEqual(watcher.text('outbound'), '');
    assert.deepEqual(watcher.all('error').map((e) => e.callSid).sort(), [idle.callSid, deaf.callSid].sort());
  }));

// What Twilio sends in X-Twilio-Signature for the url of a <Stream>.
const signature = (url, token) => crypto.createHmac('sha1', token).update(url).digest('base64');

test('twilio auth: with tokens only calls that are signed for the url they come to are let in, also behind a proxy', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-tokens-'));
  const file = path.join(dir, 'tokens');
  const write = (...tokens) => fs.writeFileSync(file, `# auth tokens\n${tokens.join('\n')}\n`);
  try {
    write('first-token', 'second-token');
    const missing = await run(['serve', '--check', '--set', `server.twilio_tokens_file=${file}.not`]);
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /cannot read .*tokens\.not/);
    const settings = { 'pool.en.max': 4, 'server.twilio_tokens_file': file, 'server.log_level': 'debug' };
    await withServer(fake(settings), async (server) => {
      const url = `wss://${server.address}/twilio`;
      const open = (headers, at = '/twilio') => Call.open(server, { path: at, headers });
      const watcher = await Watcher.open(server); // who watches is asked for a key, and never for this
      for (const headers of [{}, { 'X-Twilio-Signature': 'AAAA' }, { 'X-Twilio-Signature': signature(url, 'third-token') },
        { 'X-Twilio-Signature': signature('wss://speech.example.com/twilio', 'first-token'), 'X-Forwarded-Host': 'speech.example.com' }]) {
        await assert.rejects(open(headers), (e) => e.status === 403 && /X-Twilio-Signature/.test(JSON.parse(e.body).error.message), JSON.stringify(headers));
      }
      await assert.rejects(open({ 'X-Twilio-Signature': signature(url, 'first-token') }, '/twilio/en'), { status: 403 });
      const call = await open({ 'X-Twilio-Signature': signature(url, 'second-token') });
      call.audio(babble(2000));
      call.hangUp();
      await watcher.event('stop');
      assert.notEqual(watcher.text(), '');
      write('third-token');
      server.child.kill('SIGHUP');
      await server.says(/the settings were read again/);
      await assert.rejects(open({ 'X-Twilio-Signature': signature(url, 'second-token') }), { status: 403 });
      (await open({ 'X-Twilio-Signature': signature(`${url}/en`, 'third-token') }, '/twilio/en')).hangUp();
      await watcher.event('stop', 1);
      for (const token of ['first-token', 'second-token', 'third-token']) assert.ok(!server.log.includes(token), 'a token is in the log');
    });
    await withServer(fake({ ...settings, 'server.trusted_proxies': '127.0.0.1' }), async (server) => {
      const watcher = await Watcher.open(server);
      const call = await Call.open(server, { headers: { 'X-Forwarded-Host': 'speech.example.com', 'X-Twilio-Signature': signature('wss://speech.example.com/twilio', 'third-token') } });
      call.hangUp();
      await watcher.event('stop');
    });
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
});
