// A WebSocket client that can also misbehave: it writes its own frames.
import crypto from 'node:crypto';
import net from 'node:net';
import assert from 'node:assert/strict';
import { deadline } from './wait.mjs';

const TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10;

export function frame(opcode, payload, { fin = true, masked = true, length = payload.length } = {}) {
  const head = [(fin ? 0x80 : 0) | opcode];
  const mask = masked ? 0x80 : 0;
  if (length < 126) head.push(mask | length);
  else if (length < 65536) head.push(mask | 126, length >> 8, length & 255);
  else head.push(mask | 127, 0, 0, 0, 0, (length >>> 24) & 255, (length >>> 16) & 255, (length >>> 8) & 255, length & 255);
  if (!masked) return Buffer.concat([Buffer.from(head), payload]);
  const key = crypto.randomBytes(4);
  const body = Buffer.from(payload);
  for (let i = 0; i < body.length; i++) body[i] ^= key[i & 3];
  return Buffer.concat([Buffer.from(head), key, body]);
}

export class Client {
  // Resolves with the client once it is a WebSocket; rejects with { status, body } in the error otherwise.
  static async open(server, { path = '/v1/stream', headers = {}, localAddress, connect = (options) => net.connect(options), parse = JSON.parse } = {}) {
    const c = new Client();
    c.parse = parse; // what makes an event of a text
    c.events = [];
    c.times = []; // when each of them came, in ms
    c.waiters = [];
    c.buffer = Buffer.alloc(0);
    c.closed = null; // { code, reason } of the server's close frame, or { code: 1006 }
    c.pongs = 0;
    c.socket = connect({ port: server.port, host: server.host ?? '127.0.0.1', localAddress });
    c.socket.setNoDelay(true);
    const lines = [`GET ${path} HTTP/1.1`, `Host: ${server.address}`, 'Upgrade: websocket', 'Connection: Upgrade',
      'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${crypto.randomBytes(16).toString('base64')}`,
      ...Object.entries(headers).map(([k, v]) => `${k}: ${v}`)];
    c.socket.write(lines.join('\r\n') + '\r\n\r\n');
    await deadline(c.#handshake(), () => 'the handshake');
    return c;
  }

  // A client that has sent its start and has a place.
  static async start(server, fields = {}, options = {}) {
    const c = await Client.open(server, options);
    c.send({ type: 'start', ...fields });
    return c;
  }

  #handshake() {
    return new Promise((resolve, reject) => {
      const onData = (d) => {
        this.buffer = Buffer.concat([this.buffer, d]);
        const end = this.buffer.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = this.buffer.subarray(0, end).toString();
        const status = Number(head.split(' ')[1]);
        if (status !== 101) {
          this.refused = true; // and the body is still to come
          this.socket.once('close', () => {
            const e = new Error(`the handshake was answered ${head}`);
            Object.assign(e, { status, head, body: this.buffer.subarray(end + 4).toString() });
            reject(e);
          });
          this.socket.end();
          return;
        }
        this.buffer = this.buffer.subarray(end + 4);
        this.head = head;
        this.socket.off('data', onData);
        this.socket.on('data', (more) => this.#take(more));
        this.#take(Buffer.alloc(0));
        resolve();
      };
      this.socket.on('data', onData);
      this.socket.on('error', (e) => (this.status === undefined ? reject(e) : null));
      this.socket.on('close', () => {
        this.#end({ code: 1006, reason: '' });
        if (!this.refused && this.head === undefined) reject(new Error('closed before the handshake was answered'));
      });
    });
  }

  #end(how) {
    this.closed ??= how;
    for (const w of this.waiters.splice(0)) w();
  }

  #take(more) {
    this.buffer = Buffer.concat([this.buffer, more]);
    for (;;) {
      if (this.buffer.length < 2) return;
      let n = this.buffer[1] & 127;
      let at = 2;
      if (n === 126) [n, at] = [this.buffer.length >= 4 ? this.buffer.readUInt16BE(2) : Infinity, 4];
      else if (n === 127) [n, at] = [this.buffer.length >= 10 ? Number(this.buffer.readBigUInt64BE(2)) : Infinity, 10];
      if (this.buffer.length < at + n) return;
      const payload = this.buffer.subarray(at, at + n);
      this.#frame(this.buffer[0] & 15, payload);
      this.buffer = this.buffer.subarray(at + n);
    }
  }

  #frame(opcode, payload) {
    if (opcode === PING && !this.deaf) this.raw(frame(PONG, payload));
    if (opcode === PONG) this.pongs++;
    if (opcode === TEXT) {
      this.events.push(this.parse(payload.toString()));
      this.times.push(performance.now());
    }
    if (opcode === CLOSE) {
      this.closed = { code: payload.length >= 2 ? payload.readUInt16BE(0) : 1005, reason: payload.subarray(2).toString() };
      this.raw(frame(CLOSE, payload.subarray(0, 2)));
      this.socket.end();
    }
    for (const w of this.waiters.splice(0)) w();
  }

  raw(bytes) {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }
  send(object) {
    this.raw(frame(TEXT, Buffer.from(typeof object === 'string' ? object : JSON.stringify(object))));
  }
  binary(bytes) {
    this.raw(frame(BINARY, bytes));
  }
  ping() {
    this.raw(frame(PING, Buffer.from('?')));
  }
  close(code = 1000) {
    this.raw(frame(CLOSE, Buffer.from([code >> 8, code & 255])));
  }
  vanish() {
    this.socket.resetAndDestroy ? this.socket.resetAndDestroy() : this.socket.destroy();
  }

  // Sends s16 audio in pieces, as fast as the server takes it.
  audio(samples, { chunk = 640 } = {}) {
    const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
    this.socket.cork();
    for (let at = 0; at < bytes.length; at += chunk) this.binary(bytes.subarray(at, at + chunk));
    this.socket.uncork();
  }

  async until(ask, what = 'something') {
    const wait = async () => {
      for (;;) {
        const got = ask();
        if (got) return got;
        if (this.closed) throw new Error(`closed (${JSON.stringify(this.closed)}) before ${what}; events: ${JSON.stringify(this.events)}`);
        await new Promise((resolve) => this.waiters.push(resolve));
      }
    };
    return deadline(wait(), () => `${what}; events so far: ${JSON.stringify(this.events)}`);
  }

  // The n-th event of that type (from 0).
  event(type, n = 0) {
    return this.until(() => this.all(type)[n], `event ${type} ${n}`);
  }
  all(type) {
    return this.events.filter((e) => e.type === type);
  }
  get finals() {
    return this.all('final');
  }
  get text() {
    return this.finals.map((f) => f.text).filter(Boolean).join(' ');
  }

  async end() {
    await deadline(new Promise((resolve) => {
      const look = () => (this.closed ? resolve() : this.waiters.push(look));
      look();
    }), () => `the close; events so far: ${JSON.stringify(this.events)}`);
    return this.closed;
  }

  // stop, then all that comes until the server closes.
  async finish() {
    this.send({ type: 'stop' });
    const how = await this.end();
    assert.equal(how.code, 1000, JSON.stringify(this.events.slice(-2)));
    assert.equal(this.events.at(-1).type, 'done');
    return this.finals;
  }
}

export { TEXT, BINARY, CLOSE, PING, PONG };

// One clip as a session of its own: all its events.
export async function dictate(server, samples, fields = {}, options = {}) {
  const c = await Client.start(server, fields);
  c.audio(samples, options);
  await c.finish();
  return c;
}
