// Commands in the wrong kind of frame: whoever knows one kind only, or was written for a server that does not look, is understood in
// every protocol.
import test from 'node:test';
import assert from 'node:assert/strict';
import { fake, withServer } from './lib/server.mjs';
import { Client } from './lib/client.mjs';
import { babble } from './lib/speech.mjs';
import { Vosk, bytesOf } from './lib/protocols/vosk.mjs';
import { Sherpa, floats } from './lib/protocols/sherpa.mjs';
import { Call, Watcher } from './lib/protocols/twilio.mjs';
import { Page } from './lib/protocols/realtimestt_fastapi.mjs';
import { Recorder } from './lib/protocols/realtimestt.mjs';

const listeners = (...names) => [...names.flatMap((name) => ['--listen', `${name}=127.0.0.1:0`]), ...fake()];
const on = (server, name) => ({ ...server, port: server.ports[name], address: `127.0.0.1:${server.ports[name]}` });

// From here on all that the client says as text goes in binary frames.
function inBytes(client) {
  client.send = (message) => client.binary(Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)));
  return client;
}

for (const eof of ['{"eof" : 1}', '{"eof":true}', ' { "eof" : 1 }\r\n'])
  test(`vosk-binary-eof: ${JSON.stringify(eof)} in a binary frame ends the stream and brings the final`, () =>
    withServer(listeners('vosk'), async (server) => {
      const v = await Vosk.open(server);
      inBytes(v.client).send('{"config":{"sample_rate":"16000","words":"0"}}');
      await v.chunk(bytesOf(babble(1500)));
      v.client.send(eof);
      const last = await v.answer();
      assert.deepEqual(Object.keys(last), ['text']);
      assert.ok(last.text.length > 0);
      assert.equal((await v.client.end()).code, 1000);
      assert.equal(v.client.events.length, 2, 'a command is no audio, so none is answered as such');
    }));

test('vosk-binary-eof: reset in a binary frame brings the result, and the connection goes on', () =>
  withServer(listeners('vosk'), async (server) => {
    const v = await Vosk.open(server, { config: { sample_rate: 16000 } });
    inBytes(v.client);
    await v.chunk(bytesOf(babble(1500)));
    v.client.send('{"reset" : 1}');
    assert.ok((await v.answer()).text.length > 0);
    await v.chunk(bytesOf(babble(1500, 2)));
    assert.ok((await v.eof()).text.length > 0);
  }));

for (const [kind, send] of [['binary', 'binary'], ['text', 'send']])
  for (const end of ['', '\n'])
    test(`vosk-binary-eof: sherpa-onnx: ${JSON.stringify(`Done${end}`)} in a ${kind} frame is the end`, () =>
      withServer(listeners('sherpa-onnx'), async (server) => {
        const s = await Sherpa.open(server);
        s.audio(floats(babble(1500)));
        s.client[send](send === 'binary' ? Buffer.from(`Done${end}`) : `Done${end}`);
        assert.equal((await s.client.end()).code, 1000);
        assert.equal(s.client.events.at(-1), 'Done!');
        assert.ok(s.text.length > 0);
      }));

for (const [kind, say] of [['binary', (c, text) => c.binary(Buffer.from(text))], ['text', (c, text) => c.send(text)]])
  test(`vosk-binary-eof: whisperlive: the options and END_OF_AUDIO in ${kind} frames`, () =>
    withServer(listeners('whisperlive'), async (server) => {
      const c = await Client.open(on(server, 'whisperlive'), { path: '/' });
      say(c, '{"uid":"u","language":"en","audio_format":"int16"}');
      await c.until(() => c.events.some((m) => m.message === 'SERVER_READY'), 'the place');
      c.binary(bytesOf(babble(1500)));
      say(c, 'END_OF_AUDIO\n');
      assert.equal((await c.end()).code, 1000);
      const { segments } = c.events.at(-1);
      assert.equal(segments.length, 1);
      assert.equal(segments[0].completed, true);
    }));

test('vosk-binary-eof: native: start and stop in binary frames', () =>
  withServer(listeners(), async (server) => {
    const c = inBytes(await Client.open(server));
    c.send({ type: 'start' });
    await c.event('ready');
    c.audio(babble(1500));
    c.send({ type: 'stop' });
    assert.equal((await c.end()).code, 1000);
    assert.equal(c.all('final').length, 1);
  }));

test('vosk-binary-eof: native: a command that is wrong is refused in a binary frame as in a text one, and not heard as sound', () =>
  withServer(listeners(), async (server) => {
    const c = await Client.start(server);
    inBytes(c).send('{"type":"stopp"}');
    await c.end();
    assert.match(JSON.stringify(c.events.at(-1)), /stopp/);
  }));

test('vosk-binary-eof: deepgram: Finalize and CloseStream in binary frames', () =>
  withServer(listeners(), async (server) => {
    const c = inBytes(await Client.open(server, { path: '/v1/listen?encoding=linear16&sample_rate=16000' }));
    c.binary(bytesOf(babble(1500)));
    c.send({ type: 'Finalize' });
    await c.until(() => c.events.some((m) => m.from_finalize), 'what was said');
    c.send({ type: 'CloseStream' });
    assert.equal((await c.end()).code, 1000);
    assert.equal(c.events.at(-1).type, 'Metadata');
  }));

test('vosk-binary-eof: twilio: a whole call in binary frames', () =>
  withServer(listeners(), async (server) => {
    const call = await Call.open(server, { begin: false });
    const watcher = await Watcher.open(server, { callSid: call.callSid });
    inBytes(call.client);
    call.start();
    call.audio(babble(2000));
    call.stop();
    await watcher.event('stop');
    assert.ok(watcher.text().length > 0);
    watcher.client.close();
    call.client.close();
    await Promise.all([call.client.end(), watcher.client.end()]);
  }));

test("vosk-binary-eof: realtimestt: commands of both servers' clients in binary frames", () =>
  withServer(listeners('realtimestt-control', 'realtimestt-data', 'realtimestt-fastapi'), async (server) => {
    const r = await Recorder.open(server);
    inBytes(r.control);
    assert.equal((await r.ask({ command: 'get_parameter', parameter: 'is_recording', request_id: 0 })).value, false);
    await r.close();
    const p = await Page.open(server);
    inBytes(p.client);
    p.command('start');
    p.feed(babble(1500));
    assert.equal((await p.stop()).length, 1);
    await p.close();
  }));

test('vosk-binary-eof: openai realtime: events in binary frames', () =>
  withServer(listeners(), async (server) => {
    const c = inBytes(await Client.open(server, { path: '/v1/realtime?intent=transcription' }));
    c.send({ type: 'session.update', session: { type: 'transcription', audio: { input: { format: { type: 'audio/pcm', rate: 24000 }, turn_detection: null } } } });
    await c.event('session.updated');
    c.send({ type: 'input_audio_buffer.append', audio: bytesOf(babble(1500)).toString('base64') });
    c.send({ type: 'input_audio_buffer.commit' });
    assert.ok((await c.event('conversation.item.input_audio_transcription.completed')).transcript.length > 0);
    c.close();
    await c.end();
  }));
