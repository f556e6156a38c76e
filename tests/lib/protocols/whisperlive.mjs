// Clients of WhisperLive, written after what its own Python clients do.
import { deadline } from '../wait.mjs';
import { WebSocket, noWebSocket } from '../websocket.mjs';
import { encode } from '../audio.mjs';

export { noWebSocket as skip };
export const listen = 'whisperlive';

export class WhisperLive {
  // options null: none are sent; `query` and `headers` are the handshake's.
  static async open(server, options = {}, { path = '/', headers = {} } = {}) {
    const c = new WhisperLive();
    c.messages = [];
    c.closed = null;
    c.waiters = [];
    c.ws = new WebSocket(`ws://127.0.0.1:${server.ports.whisperlive}${path}`, { headers });
    c.ws.on('message', (data, binary) => {
      c.messages.push(binary ? data : JSON.parse(data.toString()));
      c.#wake();
    });
    c.ws.on('close', (code, reason) => {
      c.closed = { code, reason: reason.toString() };
      c.#wake();
    });
    await deadline(new Promise((resolve, reject) => {
      c.ws.on('open', resolve);
      c.ws.on('error', reject);
      c.ws.on('unexpected-response', (_, res) => {
        let body = '';
        res.on('data', (d) => (body += d));
        res.on('end', () => reject(Object.assign(new Error(`refused: ${res.statusCode}`), { status: res.statusCode, headers: res.headers, body })));
      });
    }), () => 'the handshake');
    if (options !== null) c.ws.send(JSON.stringify({ uid: 'u1', language: 'en', task: 'transcribe', model: 'small', use_vad: true, ...options }));
    return c;
  }

  static async ready(server, options = {}, how = {}) {
    const c = await WhisperLive.open(server, options, how);
    await c.message((m) => m.message === 'SERVER_READY');
    return c;
  }

  #wake() {
    for (const w of this.waiters.splice(0)) w();
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

  message(fits) {
    return this.until(() => this.messages.find(fits), fits.toString());
  }

  async end() {
    await deadline(new Promise((resolve) => {
      const look = () => (this.closed ? resolve() : this.waiters.push(look));
      look();
    }), () => `the close; messages so far: ${JSON.stringify(this.messages)}`);
    return this.closed;
  }

  // 4096 samples at once, as the file client has it.
  audio(samples, encoding = 'pcm_f32le') {
    const bytes = encode(samples, encoding);
    for (let at = 0; at < bytes.length; at += 16384) this.ws.send(bytes.subarray(at, at + 16384));
  }

  async finish({ text = false } = {}) {
    this.ws.send(text ? 'END_OF_AUDIO' : Buffer.from('END_OF_AUDIO'));
    return this.end();
  }

  get updates() {
    return this.messages.filter((m) => m.segments !== undefined);
  }

  // What TranscriptionClient keeps: completed segments, none twice, in order of time.
  get transcript() {
    const kept = [];
    for (const { segments } of this.updates)
      for (const s of segments)
        if (s.completed && (kept.length === 0 || Number(s.start) >= Number(kept.at(-1).end))) kept.push(s);
    return kept;
  }
  get text() {
    return this.transcript.map((s) => s.text).join('').trim();
  }
}

export async function transcribe(server, clip) {
  const c = await WhisperLive.ready(server);
  c.audio(clip.samples);
  await c.finish();
  return c.text;
}
