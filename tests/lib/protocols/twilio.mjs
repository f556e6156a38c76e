// Twilio's side of Media Streams, and those who watch the transcripts of its calls.
import { deadline } from '../wait.mjs';
import { encode, resample } from '../audio.mjs';
import { Client } from '../client.mjs';

let calls = 0;

export class Call {
  // start: more fields of the event; parameters: customParameters.
  static async open(server, { start = {}, parameters = {}, path = '/twilio', headers = {}, begin = true } = {}) {
    const c = new Call();
    calls++;
    c.callSid = `CA${calls}`;
    c.streamSid = `MZ${calls}`;
    c.sequence = 0;
    c.at = {}; // ms of each track
    c.client = await Client.open(server, { path, headers });
    c.send('connected', { protocol: 'Call', version: '1.0.0' });
    if (begin) c.start(start, parameters);
    return c;
  }

  send(event, fields = {}) {
    this.sequence++;
    this.client.send({ event, sequenceNumber: String(this.sequence), streamSid: this.streamSid, ...fields });
  }

  start(fields = {}, customParameters = {}) {
    this.send('start', {
      start: {
        accountSid: 'AC1', callSid: this.callSid, streamSid: this.streamSid, tracks: ['inbound'],
        mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 }, customParameters, ...fields,
      },
    });
  }

  media(payload, { track = 'inbound', timestamp } = {}) {
    this.send('media', { media: { track, chunk: String(this.sequence), timestamp: String(timestamp), payload } });
  }

  // 16 kHz samples, in pieces of 20 ms; `skip_ms` of the call's time pass before them.
  audio(samples, { track = 'inbound', skip_ms = 0 } = {}) {
    const bytes = encode(resample(samples, 16000, 8000), 'mulaw');
    let at = (this.at[track] ?? 0) + skip_ms;
    this.client.socket.cork();
    for (let i = 0; i < bytes.length; i += 160, at += 20) this.media(bytes.subarray(i, i + 160).toString('base64'), { track, timestamp: at });
    this.client.socket.uncork();
    this.at[track] = at;
  }

  stop() {
    this.send('stop', { stop: { accountSid: 'AC1', callSid: this.callSid } });
  }

  // As Twilio does: it closes right behind stop.
  hangUp() {
    this.stop();
    this.client.close();
  }
}

// Events of the call of this identifier, or of all.
export class Watcher {
  static async open(server, { callSid, streamSid, headers = {} } = {}) {
    const w = new Watcher();
    const query = new URLSearchParams(JSON.parse(JSON.stringify({ callSid, streamSid }))).toString();
    w.client = await Client.open(server, { path: `/twilio/transcripts${query && '?'}${query}`, headers });
    return w;
  }

  all(event) {
    return this.client.events.filter((e) => e.event === event);
  }
  event(event, n = 0) {
    return this.client.until(() => this.all(event)[n], `${event} ${n}`);
  }
  text(track = 'inbound') {
    return this.all('transcript').filter((e) => e.track === track).map((e) => e.text).filter(Boolean).join(' ');
  }
}

export async function transcribe(server, clip) {
  const call = await Call.open(server, { begin: false });
  const watcher = await Watcher.open(server, { callSid: call.callSid });
  call.start();
  call.audio(clip.samples);
  call.hangUp();
  await deadline(watcher.event('stop'), () => 'the end of the call');
  watcher.client.close();
  await Promise.all([call.client.end(), watcher.client.end()]);
  return watcher.text();
}
