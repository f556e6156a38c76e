// Deepgram's live protocol, written after its reference: https://developers.deepgram.com/reference/speech-to-text/listen-streaming
import { deadline } from '../wait.mjs';
import { WebSocket, noWebSocket } from '../websocket.mjs';

export { noWebSocket as noClient };

export class Listener {
  // Rejects with { status, headers, body } in the error when the server does not take it.
  static async open(server, query = {}, { headers = {}, protocols = [] } = {}) {
    const l = new Listener();
    l.messages = [];
    l.closed = null;
    l.waiters = [];
    l.ws = new WebSocket(`ws://127.0.0.1:${server.port}/v1/listen?${new URLSearchParams(query)}`, protocols, { headers });
    l.ws.on('message', (data) => l.#wake(l.messages.push(JSON.parse(data.toString()))));
    l.ws.on('close', (code, reason) => l.#wake((l.closed = { code, reason: reason.toString() })));
    await deadline(new Promise((resolve, reject) => {
      l.ws.on('error', reject);
      l.ws.on('open', resolve);
      l.ws.on('upgrade', (response) => (l.headers = response.headers));
      l.ws.on('unexpected-response', (_, response) => {
        let body = '';
        response.on('data', (d) => (body += d));
        response.on('end', () => reject(Object.assign(new Error(body), { status: response.statusCode, headers: response.headers, body: JSON.parse(body) })));
      });
    }), () => 'the handshake');
    return l;
  }

  #wake() {
    for (const w of this.waiters.splice(0)) w();
  }
  say(type, more = {}) {
    this.ws.send(JSON.stringify({ type, ...more }));
  }
  audio(bytes, { chunk = 8000 } = {}) {
    const all = bytes instanceof Int16Array ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes;
    for (let at = 0; at < all.length; at += chunk) this.ws.send(all.subarray(at, at + chunk));
  }
  async until(ask, what = 'something') {
    const wait = async () => {
      for (;;) {
        const got = ask();
        if (got) return got;
        if (this.closed) throw new Error(`closed (${JSON.stringify(this.closed)}) before ${what}; messages: ${JSON.stringify(this.messages)}`);
        await new Promise((resolve) => this.waiters.push(resolve));
      }
    };
    return deadline(wait(), () => `${what}; messages so far: ${JSON.stringify(this.messages)}`);
  }
  all(type) {
    return this.messages.filter((m) => m.type === type);
  }
  get finals() {
    return this.all('Results').filter((m) => m.is_final);
  }
  get interims() {
    return this.all('Results').filter((m) => !m.is_final);
  }
  // What a client makes of a channel: the final transcripts one after the other.
  text(channel = 0) {
    return this.finals.filter((m) => m.channel_index[0] === channel).map((m) => m.channel.alternatives[0].transcript).filter(Boolean).join(' ');
  }
  async end() {
    await deadline(new Promise((resolve) => {
      const look = () => (this.closed ? resolve() : this.waiters.push(look));
      look();
    }), () => `the close; messages so far: ${JSON.stringify(this.messages)}`);
    return this.closed;
  }
  async finish() {
    this.say('CloseStream');
    return this.end();
  }
}

export const raw = { encoding: 'linear16', sample_rate: 16000 };

export async function transcribe(server, clip) {
  const l = await Listener.open(server, { model: 'nova-3', ...raw, sample_rate: clip.rate });
  l.audio(clip.samples);
  await l.finish();
  return l.text();
}
