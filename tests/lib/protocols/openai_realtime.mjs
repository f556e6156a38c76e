// A client of OpenAI's Realtime interface, written after its documentation.
import assert from 'node:assert/strict';
import { silence } from '../speech.mjs';
import { deadline, until } from '../wait.mjs';
import { WebSocket, noWebSocket } from '../websocket.mjs';

export { noWebSocket as skip };

export const bytesOf = (samples) => Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
export const base64 = (samples) => (Buffer.isBuffer(samples) ? samples : bytesOf(samples)).toString('base64');
// The session of an update, in the general dialect.
export const input = (fields) => ({ type: 'transcription', audio: { input: fields } });
export const pcm16k = { type: 'audio/pcm', rate: 16000 };

export class Realtime {
  // Resolves when the WebSocket is there; an error of the handshake has `status`, `headers` and `body`.
  static async open(server, { query = '?intent=transcription', headers = {}, protocols = [] } = {}) {
    const c = new Realtime();
    c.events = [];
    c.ws = new WebSocket(`ws://${server.address}/v1/realtime${query}`, protocols, { headers });
    c.ended = new Promise((resolve) => c.ws.on('close', (code, reason) => resolve((c.closed = { code, reason: reason.toString() }))));
    c.ws.on('message', (data) => c.events.push(JSON.parse(data.toString())));
    const opened = new Promise((resolve, reject) => {
      c.ws.on('open', resolve);
      c.ws.on('error', reject);
      c.ws.on('unexpected-response', (_, res) => {
        let body = '';
        res.on('data', (d) => (body += d));
        res.on('end', () => reject(Object.assign(new Error(`answered ${res.statusCode}`), { status: res.statusCode, headers: res.headers, body })));
      });
    });
    await deadline(opened, () => 'the handshake');
    return c;
  }

  send(type, fields = {}) {
    this.ws.send(JSON.stringify({ type, ...fields }));
  }
  append(samples) {
    this.send('input_audio_buffer.append', { audio: base64(samples) });
  }
  commit() {
    this.send('input_audio_buffer.commit');
  }
  of(type) {
    return this.events.filter((e) => e.type.endsWith(type));
  }
  // The n-th event whose type ends so.
  async event(type, n = 1) {
    await until(() => this.of(type).length >= n || this.closed, `event ${n} of type ${type}: ${JSON.stringify(this.events.slice(-8))}`);
    assert.ok(this.of(type).length >= n, `it closed: ${JSON.stringify(this.closed)} ${JSON.stringify(this.events)}`);
    return this.of(type)[n - 1];
  }
  async update(fields) {
    const n = this.of('session.updated').length + 1;
    this.send('session.update', { session: input(fields) });
    return (await this.event('session.updated', n)).session;
  }
  types() {
    return this.events.map((e) => e.type);
  }
  deltas(item) {
    return this.of('transcription.delta').filter((e) => e.item_id === item).map((e) => e.delta).join('');
  }
  close() {
    this.ws.close(1000, 'OK');
    return deadline(this.ended, () => 'the close');
  }
}

// The text of a clip, one turn.
export async function transcribe(server, clip) {
  const c = await Realtime.open(server);
  await c.event('session.created');
  await c.update({ format: { type: 'audio/pcm', rate: clip.rate }, turn_detection: null });
  c.append(clip.samples);
  c.append(silence(200));
  c.commit();
  const { transcript } = await c.event('transcription.completed');
  await c.close();
  return transcript;
}
