// A client of sherpa-onnx's streaming server, as its own ones are: float samples, then `Done`, then what comes until `Done!`.
import assert from 'node:assert/strict';
import { Client } from '../client.mjs';

export const listen = 'sherpa-onnx';

export const floats = (samples) => {
  const f = Float32Array.from(samples, (s) => s / 32768);
  return Buffer.from(f.buffer);
};

export class Sherpa {
  static async open(server, { path = '/', headers } = {}) {
    const s = new Sherpa();
    s.client = await Client.open({ ...server, port: server.ports['sherpa-onnx'], address: `127.0.0.1:${server.ports['sherpa-onnx']}` },
      { path, headers, parse: (text) => (text === 'Done!' ? text : JSON.parse(text)) });
    return s;
  }

  audio(bytes, { size = 32000 } = {}) {
    for (let at = 0; at < bytes.length; at += size) this.client.binary(bytes.subarray(at, at + size));
  }

  get results() {
    return this.client.events.filter((e) => e !== 'Done!');
  }
  get finals() {
    return this.results.filter((r) => r.is_final);
  }
  get text() {
    return this.finals.map((r) => r.text).filter(Boolean).join(' ');
  }

  // All that came until the end, which is in order.
  async done() {
    this.client.send('Done');
    assert.equal((await this.client.end()).code, 1000);
    const { events } = this.client;
    assert.equal(events.at(-1), 'Done!');
    assert.deepEqual(this.results.map((r) => r.is_eof), this.results.map((r) => r === this.results.at(-1)), 'only the last is eof');
    return this.results;
  }
}

export async function dictate(server, bytes, options) {
  const s = await Sherpa.open(server);
  s.audio(bytes, options);
  await s.done();
  return s;
}

export async function transcribe(server, clip) {
  assert.equal(clip.rate, 16000);
  return (await dictate(server, floats(clip.samples))).text;
}

// A client of its offline server: recordings of any rate, each with a header, and an answer to each.
export class SherpaOffline {
  static async open(server) {
    const s = new SherpaOffline();
    s.client = await Client.open({ ...server, port: server.ports['sherpa-onnx'], address: `127.0.0.1:${server.ports['sherpa-onnx']}` }, { path: '/' });
    return s;
  }

  // The header goes with the first samples, as from Python, or in a message of its own, as from a browser.
  send(samples, { rate = 16000, alone = false, size = 10240, bytes = floats(samples), length = bytes.length } = {}) {
    const header = Buffer.alloc(8);
    header.writeInt32LE(rate, 0);
    header.writeInt32LE(length, 4);
    if (alone) this.client.binary(header);
    const all = alone ? bytes : Buffer.concat([header, bytes]);
    for (let at = 0; at < all.length; at += size) this.client.binary(all.subarray(at, at + size));
  }

  answer(n = 0) {
    return this.client.until(() => this.client.events[n], `answer ${n}`);
  }

  async done() {
    this.client.send('Done');
    assert.equal((await this.client.end()).code, 1000);
  }
}
