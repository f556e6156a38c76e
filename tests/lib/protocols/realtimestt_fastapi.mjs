// A client of RealtimeSTT's example_fastapi_server, as its page is one: hello and ready, start, packets, stop.
import { bytesOf, connect, packet } from './realtimestt.mjs';

export const listen = 'realtimestt-fastapi';

export class Page {
  static async open(server, options = {}) {
    const p = new Page();
    p.client = await connect(server, listen, { path: '/ws/transcribe', ...options });
    p.hello = await p.client.event('hello');
    p.ready = await p.client.event('ready');
    return p;
  }

  static async start(server, options) {
    const p = await Page.open(server, options);
    p.command('start');
    return p;
  }

  command(type) {
    this.client.send({ type });
  }

  feed(samples, { rate = 16000, size = 3200, channels = 1, bytes = bytesOf(samples) } = {}) {
    this.client.socket.cork();
    for (let at = 0; at < bytes.length; at += size) {
      const pcm = bytes.subarray(at, at + size);
      this.client.binary(packet({ sampleRate: rate, channels, format: 'pcm_s16le', frames: pcm.length / 2 / channels }, pcm));
    }
    this.client.socket.uncork();
  }

  states() {
    return this.client.all('status').map((s) => s.state);
  }

  // The events as short words: status:listening, timeline:recording_started, final.
  get story() {
    return this.client.events.map((e) => e.type + (e.state ? `:${e.state}` : '') + (e.type === 'timeline' ? `:${e.event}` : ''));
  }

  // stop, and all that still comes: it is idle when everything is told.
  async stop() {
    const n = this.client.events.length;
    this.command('stop');
    await this.client.until(() => this.client.events.slice(n).some((e) => e.state === 'idle'), 'idle after the stop');
    return this.client.finals;
  }

  async close() {
    this.client.close();
    await this.client.end();
  }
}

export async function transcribe(server, clip) {
  const p = await Page.start(server);
  p.feed(clip.samples, { rate: clip.rate });
  await p.stop();
  await p.close();
  return p.client.text;
}
