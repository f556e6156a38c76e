// A client of the Wyoming protocol: events with data and payload on a TCP connection, as its python package writes them.
import net from 'node:net';
import { deadline } from '../wait.mjs';

export const listen = 'wyoming';

export const bytesOf = (samples) => Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
export const plain = { rate: 16000, width: 2, channels: 1 };

export function eventBytes(type, data = {}, payload = Buffer.alloc(0)) {
  const line = { type, version: '1.5.0' };
  const body = Object.keys(data).length > 0 ? Buffer.from(JSON.stringify(data)) : Buffer.alloc(0);
  if (body.length > 0) line.data_length = body.length;
  if (payload.length > 0) line.payload_length = payload.length;
  return Buffer.concat([Buffer.from(JSON.stringify(line) + '\n'), body, payload]);
}

export class Wyoming {
  static async open(server) {
    const w = new Wyoming();
    w.events = [];
    w.waiters = [];
    w.buffer = Buffer.alloc(0);
    w.closed = false;
    w.read = 0; // events that the test has waited for
    w.socket = net.connect({ port: server.ports.wyoming, host: '127.0.0.1', allowHalfOpen: true });
    w.socket.on('data', (d) => w.#take(d));
    w.socket.on('error', () => {});
    w.socket.on('end', () => {
      w.socket.end();
      w.#wake(true);
    });
    w.socket.on('close', () => w.#wake(true));
    await deadline(new Promise((resolve, reject) => w.socket.once('connect', resolve).once('error', reject)), () => 'the connection');
    return w;
  }

  #wake(closed = this.closed) {
    this.closed = closed;
    for (const waiter of this.waiters.splice(0)) waiter();
  }

  #take(more) {
    this.buffer = Buffer.concat([this.buffer, more]);
    for (;;) {
      const end = this.buffer.indexOf(10);
      if (end < 0) break;
      const line = JSON.parse(this.buffer.subarray(0, end).toString());
      const length = (line.data_length ?? 0) + (line.payload_length ?? 0);
      if (this.buffer.length < end + 1 + length) break;
      const data = line.data_length ? JSON.parse(this.buffer.subarray(end + 1, end + 1 + line.data_length).toString()) : {};
      this.events.push({ type: line.type, ...data });
      this.buffer = this.buffer.subarray(end + 1 + length);
    }
    this.#wake();
  }

  raw(bytes) {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }
  send(type, data, payload) {
    this.raw(eventBytes(type, data, payload));
  }

  async until(ask, what) {
    const wait = async () => {
      for (;;) {
        const got = ask();
        if (got) return got;
        if (this.closed) throw new Error(`closed before ${what}; events: ${JSON.stringify(this.events)}`);
        await new Promise((resolve) => this.waiters.push(resolve));
      }
    };
    return deadline(wait(), () => `${what}; events so far: ${JSON.stringify(this.events)}`);
  }

  // The next event of one of these types, behind those that were waited for before.
  next(...types) {
    return this.until(() => {
      const i = this.events.findIndex((e, at) => at >= this.read && types.includes(e.type));
      if (i < 0) return null;
      this.read = i + 1;
      return this.events[i];
    }, types.join(' or '));
  }

  all(type) {
    return this.events.filter((e) => e.type === type);
  }

  async end() {
    await this.until(() => this.closed, 'the end');
    return this.events.at(-1);
  }

  start(format = plain) {
    this.send('audio-start', { ...format, timestamp: 0 });
  }
  audio(bytes, { size = 2048, format = plain } = {}) {
    for (let at = 0; at < bytes.length; at += size) {
      this.send('audio-chunk', { ...format, timestamp: null }, bytes.subarray(at, at + size));
    }
  }
  stop() {
    this.send('audio-stop', { timestamp: null });
  }

  // One utterance as Home Assistant sends it.
  async dictate(bytes, { wish = { language: 'en' }, ...more } = {}) {
    this.send('transcribe', wish);
    this.start(more.format);
    this.audio(bytes, more);
    this.stop();
    return this.next('transcript', 'error');
  }

  close() {
    this.socket.end();
  }
  vanish() {
    this.socket.resetAndDestroy();
  }
}

export async function transcribe(server, clip) {
  const w = await Wyoming.open(server);
  const answer = await w.dictate(bytesOf(clip.samples), { format: { ...plain, rate: clip.rate } });
  w.close();
  return answer.text;
}
