// A client without manners: it writes what it likes to a socket, and notes what comes back and how it ends.
import crypto from 'node:crypto';
import net from 'node:net';
import { deadline, until } from './wait.mjs';
import { frame, TEXT, CLOSE, PING, PONG } from './client.mjs';

export const handshake = (path) => Buffer.from(
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
  `Sec-WebSocket-Key: ${crypto.randomBytes(16).toString('base64')}\r\n\r\n`);

// A frame's header that announces so many bytes.
export function announce(opcode, bytes) {
  const b = Buffer.alloc(14);
  b[0] = 0x80 | opcode;
  b[1] = 0x80 | 127;
  b.writeBigUInt64BE(bytes, 2);
  return b;
}

export class Peer {
  static async connect(port) {
    const p = new Peer();
    p.received = Buffer.alloc(0); // of it: what no frame was made of yet
    p.texts = [];
    p.pongs = 0;
    p.closed = null; // { code, reason } of the close frame
    p.ended = false; // nothing more will come
    p.gone = false;
    p.socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    p.socket.on('error', () => {});
    p.socket.on('data', (d) => p.#take(d));
    p.socket.on('end', () => {
      p.ended = true;
      p.socket.end();
    });
    p.socket.on('close', () => (p.ended = p.gone = true));
    await deadline(new Promise((resolve) => p.socket.once('connect', resolve)), () => 'a connection');
    return p;
  }

  // One that speaks WebSocket from here on.
  static async open(port, path) {
    const p = await Peer.connect(port);
    p.raw(handshake(path));
    await until(() => p.received.includes('\r\n\r\n') || p.ended, 'an answer to the handshake');
    const end = p.received.indexOf('\r\n\r\n');
    if (!p.received.toString().startsWith('HTTP/1.1 101')) throw new Error(`the handshake was answered ${p.received}`);
    p.framed = true;
    const rest = p.received.subarray(end + 4);
    p.received = Buffer.alloc(0);
    p.#take(rest);
    return p;
  }

  #take(more) {
    this.received = Buffer.concat([this.received, more]);
    while (this.framed && this.received.length >= 2) {
      let n = this.received[1] & 127;
      let at = 2;
      if (n === 126) [n, at] = [this.received.length < 4 ? Infinity : this.received.readUInt16BE(2), 4];
      else if (n === 127) [n, at] = [this.received.length < 10 ? Infinity : Number(this.received.readBigUInt64BE(2)), 10];
      if (this.received.length < at + n) return;
      this.#frame(this.received[0] & 15, this.received.subarray(at, at + n));
      this.received = this.received.subarray(at + n);
    }
  }

  #frame(opcode, payload) {
    if (opcode === TEXT) this.texts.push(payload.toString());
    if (opcode === PONG && payload.toString() === 'there?') this.pongs++;
    if (opcode !== CLOSE) return;
    this.closed = { code: payload.length < 2 ? 1005 : payload.readUInt16BE(0), reason: new TextDecoder('utf-8', { fatal: true }).decode(payload.subarray(2)) };
    this.raw(frame(CLOSE, payload.subarray(0, 2)));
    this.socket.end();
  }

  raw(bytes) {
    if (!this.socket.destroyed && this.socket.writable) this.socket.write(bytes);
  }
  half() {
    this.socket.end();
  }
  vanish() {
    this.socket.resetAndDestroy();
  }
  untilEnd(what) {
    return until(() => this.ended, `${what} is ended; it got ${JSON.stringify(this.texts.slice(-3))} ${this.received.toString('latin1').slice(0, 300)}`);
  }

  // What the server made of it: closed, or there as before.
  async fate(ping = frame(PING, Buffer.from('there?')), answered = () => this.pongs > 0, what = 'it') {
    this.raw(ping);
    await until(() => this.ended || answered(), `${what} is closed or answers; closed: ${JSON.stringify(this.closed)}, said: ${this.texts.slice(-3)}`);
    return this.ended ? 'ended' : 'alive';
  }
}

// Lets through so many bytes of each client, and what comes behind them only once it is opened.
export class Valve {
  static async before(port, room) {
    const v = new Valve();
    v.sockets = new Set();
    v.waiting = [];
    v.isOpen = room === Infinity;
    v.isFull = false;
    v.server = net.createServer({ allowHalfOpen: true }, (client) => v.#join(client, port, room));
    await new Promise((resolve) => v.server.listen(0, '127.0.0.1', resolve));
    v.port = v.server.address().port;
    return v;
  }

  #join(client, port, room) {
    const up = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    for (const [one, other] of [[client, up], [up, client]]) {
      this.sockets.add(one);
      one.setNoDelay(true);
      one.on('error', () => other.destroy());
      one.on('end', () => other.end());
      one.on('close', () => this.sockets.delete(one));
    }
    let left = room;
    up.on('data', (d) => client.write(d));
    client.on('data', (d) => {
      if (this.isOpen) return up.write(d);
      up.write(d.subarray(0, left));
      const rest = d.subarray(left);
      left = Math.max(0, left - d.length);
      if (rest.length === 0) return;
      client.pause();
      this.isFull = true;
      this.waiting.push(() => {
        up.write(rest);
        client.resume();
      });
    });
  }

  open() {
    this.isOpen = true;
    for (const go of this.waiting.splice(0)) go();
  }
  stop() {
    this.server.close();
    for (const s of this.sockets) s.destroy();
  }
}
