// A client of RealtimeSTT's stt-server, as AudioToTextRecorderClient is one: it looks whether a server is there, opens control, then
// data, says its language, and sends packets of audio that begin with their metadata.
import assert from 'node:assert/strict';
import { Client } from '../client.mjs';

export const listen = ['realtimestt-control', 'realtimestt-data']; // two, other than with all others
export const listenArgs = listen.flatMap((name) => ['--listen', `${name}=127.0.0.1:0`]);

export const bytesOf = (samples) => Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);

export function packet(metadata, pcm = Buffer.alloc(0)) {
  const json = Buffer.from(typeof metadata === 'string' ? metadata : JSON.stringify(metadata));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([length, json, pcm]);
}

export const connect = (server, name, { path = '/', ...options } = {}) =>
  Client.open({ ...server, port: server.ports[name], address: `127.0.0.1:${server.ports[name]}` }, { path, ...options });

export class Recorder {
  static async open(server, options = {}) {
    const r = new Recorder();
    r.ids = 0;
    const look = await connect(server, 'realtimestt-control', options);
    look.close();
    await look.end();
    r.control = await connect(server, 'realtimestt-control', options);
    r.data = await connect(server, 'realtimestt-data', options);
    await r.set('language', 'en');
    await r.set('wake_word_activation_delay', 0);
    return r;
  }

  // The reply to a request: each has one, in order.
  async ask(request) {
    const n = this.control.events.length;
    this.control.send(request);
    return this.control.until(() => this.control.events[n], `a reply to ${JSON.stringify(request)}`);
  }

  async set(parameter, value) {
    const reply = await this.ask({ command: 'set_parameter', parameter, value });
    assert.equal(reply.status, 'success', JSON.stringify(reply));
    return reply;
  }

  async get(parameter) {
    const request_id = this.ids++;
    const reply = await this.ask({ command: 'get_parameter', parameter, request_id });
    assert.equal(reply.request_id, request_id);
    assert.equal(reply.parameter, parameter);
    return reply.value;
  }

  call(method, args = [], kwargs = {}) {
    return this.ask({ command: 'call_method', method, args, kwargs });
  }

  feed(samples, { rate = 16000, size = 1024, bytes = bytesOf(samples) } = {}) {
    this.data.socket.cork();
    for (let at = 0; at < bytes.length; at += size) {
      this.data.binary(packet({ sampleRate: rate, server_sent_to_stt: 1 }, bytes.subarray(at, at + size)));
    }
    this.data.socket.uncork();
  }

  get sentences() {
    return this.data.all('fullSentence').map((e) => e.text);
  }

  // The n-th sentence (from 0).
  async sentence(n = 0) {
    return (await this.data.event('fullSentence', n)).text;
  }

  async close() {
    this.data.close();
    this.control.close();
    await Promise.all([this.data.end(), this.control.end()]);
  }
}

// The first letter of a sentence is made a capital, which is none of what was heard.
export const plain = (text) => text.charAt(0).toLowerCase() + text.slice(1);

export async function transcribe(server, clip) {
  const r = await Recorder.open(server);
  r.feed(clip.samples, { rate: clip.rate });
  await r.data.event('vad_detect_start');
  await r.call('stop'); // one that is open ends here; what has ended before has its sentence anyway
  r.feed(new Int16Array(clip.rate), { rate: clip.rate });
  await r.data.until(() => r.sentences.length > 0 && r.sentences.length === r.data.all('recording_start').length, 'a sentence for each recording');
  await r.close();
  return r.sentences.map(plain).filter(Boolean).join(' ');
}
