// A client of Vosk's server as its samples are: it sends a message and waits for the one answer to it.
import assert from 'node:assert/strict';
import { Client } from '../client.mjs';

export const listen = 'vosk';

export const bytesOf = (samples) => Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);

export class Vosk {
  static async open(server, { path = '/', config, headers } = {}) {
    const v = new Vosk();
    v.client = await Client.open({ ...server, port: server.ports.vosk, address: `127.0.0.1:${server.ports.vosk}` }, { path, headers });
    v.answers = 0;
    if (config) v.client.send({ config });
    return v;
  }

  // The answer to what was sent last.
  async answer() {
    const n = this.answers++;
    return this.client.until(() => this.client.events[n], `answer ${n}`);
  }

  async chunk(bytes) {
    this.client.binary(bytes);
    return this.answer();
  }

  // All answers to a clip in lock-step, the one to eof at the end; then the server has closed in order.
  async dictate(bytes, { size = 8000 } = {}) {
    const answers = [];
    for (let at = 0; at < bytes.length; at += size) answers.push(await this.chunk(bytes.subarray(at, at + size)));
    answers.push(await this.eof());
    return answers;
  }

  async eof() {
    this.client.send('{"eof" : 1}');
    const last = await this.answer();
    assert.equal((await this.client.end()).code, 1000);
    assert.equal(this.client.events.length, this.answers, 'one answer to each message, and no more');
    return last;
  }
}

export const textOf = (answers) => answers.map((a) => a.text).filter(Boolean).join(' ');

export async function transcribe(server, clip) {
  const v = await Vosk.open(server, { config: { sample_rate: clip.rate } });
  return textOf(await v.dictate(bytesOf(clip.samples)));
}
