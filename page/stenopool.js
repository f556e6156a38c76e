// Stenopool's client: one dictation over a WebSocket (docs/javascript.md, docs/protocol.md). An ES module without
// dependencies, for browsers and for Node; the page at / uses it.
//
//   const s = new Stenopool({ url: 'http://localhost:8080', sampleRate: 16000 });
//   s.on('final', (e) => console.log(e.text));
//   s.send(samples);          // Int16Array, as often as there is audio
//   await s.stop();           // all finals have come
//
// No word is lost with a connection: audio is kept until its final has come, and after a lost connection or a server's
// restart the rest is sent again, with the time it stands at and what was known of the speaker.
//
//   idle --start--> connecting --open--> waiting --ready--> listening --done--> done
//                       ^  lost: any of these  |                        close: closed, from anywhere
//                       +------- paused <------+                        nothing left to try: failed

const BYTES_A_SAMPLE = { pcm_s16le: 2, pcm_s24le: 3, pcm_s32le: 4, pcm_f32le: 4, pcm_u8: 1, mulaw: 1, alaw: 1 };
const ENDED = new Set(['done', 'closed', 'failed']);
// The server closes with these when the client is wrong; trying again would not help.
const FATAL_CLOSES = new Set([1002, 1003, 1007, 1008, 1009, 1010]);
const RETRIED_CODES = new Set(['busy', 'overloaded', 'restarting', 'engine', 'peer', 'system', 'unreachable', 'lost']);
const PIECE_BYTES = 32768; // of one message; far below the server's max_message_bytes
const SENDING_BYTES = 1 << 20; // in the socket; a faster feed waits
const SETTLED_WELL_MS = 10000; // a connection that held so long starts the count of attempts anew

const own = {
  url: undefined, // of the server; where the module came from, unless it says otherwise
  key: undefined,
  pool: undefined,
  sampleRate: 16000,
  channels: 1,
  encoding: 'pcm_s16le',
  partials: true,
  start: {}, // more fields of the start message: endpointing, post_silence_ms...
  reconnect: true,
  attempts: 20, // connections tried in a row before it gives up
  backoffMs: 250, // before the second attempt; doubles
  backoffMaxMs: 10000,
  keepMs: 600000, // audio kept until its final comes
  WebSocket: undefined,
};

/** A failure: `code` as in docs/protocol.md, or unauthorized, unreachable, lost; of microphone(): insecure, denied, absent, in_use. */
export class StenopoolError extends Error {
  constructor(code, message, more = {}) {
    super(message);
    this.name = 'StenopoolError';
    this.code = code;
    Object.assign(this, more);
  }
}

// ---- audio that has no final yet, and the commits in it ----

class Kept {
  constructor() {
    this.items = []; // { at, bytes, sentAt } or { at, commit: true }, in order; `at` counts bytes from the first one
    this.begin = 0; // where the kept audio begins
    this.end = 0;
    this.next = 0; // the first item that this connection has not been sent
  }

  add(bytes) {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = bytes.slice(at, at + PIECE_BYTES); // a copy: the caller may use its buffer again
      this.items.push({ at: this.end, bytes: piece });
      this.end += piece.length;
    }
  }

  commit() {
    this.items.push({ at: this.end, commit: true });
  }

  // Forgets what is before `to`; a commit at `to` ended what was before it, and goes too.
  drop(to) {
    let n = 0;
    this.begin = Math.max(this.begin, Math.min(to, this.end));
    while (n < this.items.length) {
      const item = this.items[n];
      if (item.commit ? item.at > this.begin : item.at + item.bytes.length > this.begin) break;
      n++;
    }
    this.items.splice(0, n);
    this.next = Math.max(0, this.next - n);
    const first = this.items[0];
    if (first?.bytes && first.at < this.begin) {
      first.bytes = first.bytes.subarray(this.begin - first.at);
      first.at = this.begin;
    }
  }

  // When the audio up to `at` was sent; undefined if that is not known any more.
  sentAt(at) {
    return this.items.find((item) => item.bytes && item.at + item.bytes.length >= at)?.sentAt;
  }

  // When the commit at `at`, or the first behind it, was sent: earlier ones may have had nothing to end.
  commitSentAt(at) {
    return this.items.find((item) => item.commit && item.at >= at)?.sentAt;
  }
}

// ---- addresses and keys ----

function streamUrl(given) {
  const from = given ?? (import.meta.url.startsWith('http') ? new URL('.', import.meta.url) : null);
  if (!from) throw new StenopoolError('invalid', 'url is missing: where the server is, for instance http://localhost:8080');
  const url = new URL(from, globalThis.location?.href);
  url.protocol = url.protocol.replace('http', 'ws');
  if (!/^wss?:$/.test(url.protocol)) throw new StenopoolError('invalid', `url ${given} is not known; http, https, ws or wss`);
  if (!url.pathname.endsWith('/v1/stream')) url.pathname = url.pathname.replace(/\/*$/, '/v1/stream');
  return url;
}

// Browsers cannot set headers on a WebSocket: the key goes as a subprotocol, or in the query if it has characters that
// a subprotocol may not have.
function carry(url, key) {
  if (!key) return { url, protocols: [] };
  if (/^[\w!#$%&'*+.^`|~-]+$/.test(key)) return { url, protocols: ['token', key] };
  const withKey = new URL(url);
  withKey.searchParams.set('api_key', key);
  return { url: withKey, protocols: [] };
}

// A browser does not tell why a handshake failed, so the server is asked by other ways.
async function diagnose(url, key) {
  const base = new URL(url);
  base.protocol = base.protocol.replace('ws', 'http');
  base.pathname = base.pathname.replace(/v1\/stream$/, '');
  const ask = async (path, method = 'GET') => {
    const headers = key ? { Authorization: `Bearer ${key}` } : {};
    const r = await fetch(new URL(path, base), { method, headers, cache: 'no-store', signal: AbortSignal.timeout(5000) });
    return { status: r.status, retry_after_ms: 1000 * (Number(r.headers.get('Retry-After')) || 0), body: await r.json().catch(() => ({})) };
  };
  try {
    const models = await ask('v1/models');
    const words = models.body.error?.message;
    if (models.status === 401 || models.status === 403) return { code: 'unauthorized', message: words ?? 'the server wants a key' };
    if (models.status === 404) return { code: 'invalid', message: `there is no Stenopool at ${base}` };
    if (models.status >= 400) return { code: 'busy', message: words ?? 'the server takes nobody at the moment', retry_after_ms: models.retry_after_ms };
    const ready = await ask('readyz');
    if (ready.body.state && ready.body.state !== 'serving') return { code: 'restarting', message: 'the server is shutting down' };
    const page = globalThis.location ? await ask('v1/stream', 'POST') : {}; // it says whose page this is, other than a GET of the same origin
    if (page.status === 403) return { code: 'forbidden', message: page.body.error?.message ?? 'this page may not use the server' };
    return { code: 'busy', message: 'the server takes no more sessions at the moment' };
  } catch {
    return { code: 'unreachable', message: `${base.host} cannot be reached` };
  }
}

const bytesOf = (data) =>
  ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);

function stableText(text, bytes) {
  return new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, bytes));
}

// ---- one dictation ----

export class Stenopool {
  #options;
  #url;
  #listeners = new Map();
  #socket = null;
  #open = false; // the socket's
  #started = false; // start has been sent on it
  #kept = new Kept();
  #settledMs = 0; // everything before has its final, or nothing was said in it
  #lostBefore = 0; // bytes that could not be kept any longer and have no final
  #adaptation;
  #base = 0; // utterances of earlier connections
  #settledUtterance = 0;
  #cutOff = []; // finals of what was being said when this connection's session was ended with an error
  #speeches = new Map(); // utterances of this connection without a final: { at_ms, ended_ms, failed, partialSeen }
  #why = null; // the server's word before it closes
  #attempt = 0;
  #readyAt = 0;
  #timer;
  #stop = null; // { promise, resolve, reject } once stop() was called

  constructor(options = {}) {
    for (const name of Object.keys(options))
      if (!(name in own)) throw new StenopoolError('invalid', `option ${name} is not known; ${Object.keys(own).join(', ')} are`);
    this.#options = { ...own, ...options };
    if (!(this.#options.encoding in BYTES_A_SAMPLE))
      throw new StenopoolError('invalid', `encoding ${this.#options.encoding} is not known; ${Object.keys(BYTES_A_SAMPLE).join(', ')} are`);
    this.#url = streamUrl(this.#options.url);
    this.#options.WebSocket ??= globalThis.WebSocket;
    if (!this.#options.WebSocket) throw new StenopoolError('invalid', 'there is no WebSocket here; pass one as the option WebSocket');
    this.state = 'idle';
    this.finals = [];
  }

  // ---- what others call ----

  /** Events: state, queued, ready, speech_start, partial, speech_end, final, recovered, gap, error, done. Returns what takes it off again. */
  on(event, listener) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(listener);
    return () => this.#listeners.get(event).delete(listener);
  }

  get sampleRate() {
    return this.#options.sampleRate;
  }
  set sampleRate(hz) {
    if (this.state !== 'idle') throw new StenopoolError('invalid', 'sampleRate cannot change once the session has started');
    this.#options.sampleRate = hz;
  }

  /** All finals so far, as one text. */
  get text() {
    return this.finals.map((f) => f.text).filter(Boolean).join(' ');
  }

  /** Milliseconds of audio given to send(). */
  get audioMs() {
    return this.#msOf(this.#kept.end);
  }

  /** Whether nothing more will come of it, and nothing can be sent. */
  get isOver() {
    return this.#stop !== null || ENDED.has(this.state);
  }

  /** Connects. send() does it as well. */
  start() {
    if (this.state === 'idle') this.#connect();
  }

  /** Audio in the options' encoding: a typed array or ArrayBuffer. It is copied. */
  send(data) {
    if (this.#stop || ENDED.has(this.state)) throw new StenopoolError('invalid', `there is no sending after the session is ${this.#stop ? 'stopped' : this.state}`);
    this.#kept.add(bytesOf(data));
    this.#bound();
    this.start();
    this.#flush();
  }

  /** Ends the open utterance at the audio sent so far. */
  commit() {
    if (this.#stop || ENDED.has(this.state)) return;
    this.#kept.commit();
    this.#flush();
  }

  /** No more audio. Resolves with { text, finals, audio_ms } when the last final has come; rejects if it cannot come. */
  stop() {
    if (!this.#stop) {
      this.#stop = Promise.withResolvers?.() ?? {};
      if (!this.#stop.promise) this.#stop.promise = new Promise((resolve, reject) => Object.assign(this.#stop, { resolve, reject }));
      this.#stop.promise.catch(() => {}); // whoever waits is told; nobody has to
      if (this.state === 'idle') this.#end('done');
      else if (ENDED.has(this.state)) this.#tellStop();
      else this.#flush();
    }
    return this.#stop.promise;
  }

  /** Leaves at once; what has no final is lost. */
  close() {
    if (!ENDED.has(this.state)) this.#end('closed');
  }

  /** Resolves when there is room to send more, for those who send faster than speech. */
  async drain() {
    while (!this.isOver && (!this.#started || this.#socket.bufferedAmount > SENDING_BYTES))
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  // ---- states ----

  #emit(type, event) {
    for (const listener of this.#listeners.get(type) ?? []) listener(event);
  }

  #step(state, more = {}) {
    const from = this.state;
    this.state = state;
    this.#emit('state', { type: 'state', state, from, ...more });
  }

  #connect() {
    const { url, protocols } = carry(this.#url, this.#options.key);
    const socket = new this.#options.WebSocket(url.href, protocols);
    this.#socket = socket;
    this.#open = this.#started = false;
    this.#why = null;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => socket === this.#socket && this.#opened();
    socket.onmessage = (m) => socket === this.#socket && this.#heard(JSON.parse(m.data));
    socket.onerror = () => {}; // a close follows
    socket.onclose = (e) => socket === this.#socket && this.#closed(e);
    this.#step('connecting', { attempt: this.#attempt });
  }

  #opened() {
    const { pool, encoding, sampleRate, channels, partials, reconnect, start } = this.#options;
    const fields = { type: 'start', encoding, sample_rate: sampleRate, channels, partials, ...start };
    if (pool) fields.pool = pool;
    if (reconnect) fields.return_adaptation = true;
    if (this.#adaptation) fields.adaptation = this.#adaptation;
    this.#sayWhatIsLost();
    if (this.#settledMs > 0) fields.offset_ms = this.#settledMs;
    this.#open = true;
    this.#base = this.#settledUtterance;
    this.#speeches.clear();
    this.#cutOff = [];
    this.#kept.drop(this.#bytesOf(this.#settledMs));
    this.#kept.next = 0;
    if (this.#stop) this.#stop.sentAt = undefined;
    this.#socket.send(JSON.stringify(fields));
    this.#started = true;
    this.#step('waiting');
    this.#flush();
  }

  #closed(e) {
    const opened = this.#open;
    this.#open = this.#started = false;
    this.#socket = null;
    if (this.#why) this.#lost(this.#why);
    else if (opened && FATAL_CLOSES.has(e.code)) this.#lost({ code: 'invalid', message: e.reason || `the server closed the connection with ${e.code}` });
    else if (opened) this.#lost({ code: e.code === 1012 ? 'restarting' : 'lost', message: 'the connection to the server was lost' });
    else diagnose(this.#url, this.#options.key).then((why) => this.state === 'connecting' && this.#lost(why));
  }

  // Tries again, or gives up.
  #lost(why) {
    if (this.#readyAt && Date.now() - this.#readyAt > SETTLED_WELL_MS) this.#attempt = 0;
    this.#readyAt = 0;
    this.#attempt++;
    if (!this.#options.reconnect || !(RETRIED_CODES.has(why.code) || why.retry_after_ms) || this.#attempt > this.#options.attempts) {
      this.#fail(why);
      return;
    }
    const backoff = Math.min(this.#options.backoffMaxMs, this.#options.backoffMs * 2 ** (this.#attempt - 1));
    const in_ms = Math.round(Math.max(why.retry_after_ms ?? 0, backoff) * (1 + Math.random() / 4)); // not all clients at once
    this.#step('paused', { because: why, in_ms, attempt: this.#attempt });
    if (this.state === 'paused') this.#timer = setTimeout(() => this.#connect(), in_ms);
  }

  #fail(why) {
    for (const event of this.#cutOff) {
      this.finals.push(event);
      this.#emit('final', event);
    }
    this.failure = new StenopoolError(why.code, why.message, why.retry_after_ms ? { retry_after_ms: why.retry_after_ms } : {});
    this.#end('failed', { because: why });
    this.#emit('error', { type: 'error', ...why, fatal: true });
  }

  #end(state, more) {
    const socket = this.#socket;
    clearTimeout(this.#timer);
    this.#socket = null;
    this.#open = this.#started = false;
    if (socket && socket.readyState <= 1) socket.close(1000);
    this.#step(state, more);
    this.#tellStop();
  }

  #tellStop() {
    if (this.state === 'done') this.#stop?.resolve({ text: this.text, finals: this.finals, audio_ms: this.audioMs });
    else this.#stop?.reject(this.failure ?? new StenopoolError('closed', 'the session was closed before its last final had come'));
  }

  // ---- audio out ----

  #bytesOf(ms) {
    const { sampleRate, channels, encoding } = this.#options;
    return Math.floor((ms * sampleRate) / 1000) * channels * BYTES_A_SAMPLE[encoding];
  }
  #msOf(bytes) {
    const { sampleRate, channels, encoding } = this.#options;
    return Math.floor((1000 * bytes) / (sampleRate * channels * BYTES_A_SAMPLE[encoding]));
  }

  #flush() {
    const kept = this.#kept;
    if (!this.#started) return;
    for (; kept.next < kept.items.length; kept.next++) {
      const item = kept.items[kept.next];
      item.sentAt = performance.now();
      this.#socket.send(item.commit ? '{"type":"commit"}' : item.bytes);
    }
    if (this.#stop && !this.#stop.sentAt) {
      this.#stop.sentAt = performance.now();
      this.#socket.send('{"type":"stop"}');
    }
  }

  // Old audio goes when there is too much of it. If nobody was speaking in it nothing is lost, and half of the room is made
  // free for a time without a connection.
  #bound() {
    const quiet = this.state === 'listening' && this.#speeches.size === 0;
    const room = this.#bytesOf(this.#options.keepMs / (quiet ? 2 : 1));
    const over = this.#kept.end - this.#kept.begin - room;
    if (over <= 0) return;
    const to_ms = this.#msOf(this.#kept.begin + over) + 1;
    if (quiet) this.#settle(to_ms);
    else {
      this.#lostBefore = this.#bytesOf(to_ms);
      this.#kept.drop(this.#lostBefore);
    }
  }

  // On a new connection: audio without a final that is not there to be sent again.
  #sayWhatIsLost() {
    const to_ms = this.#msOf(this.#lostBefore);
    if (to_ms <= this.#settledMs) return;
    this.#emit('gap', { type: 'gap', start_ms: this.#settledMs, end_ms: to_ms });
    this.#settle(to_ms);
  }

  #settle(ms) {
    this.#settledMs = Math.max(this.#settledMs, ms);
    this.#kept.drop(this.#bytesOf(this.#settledMs));
  }

  // ---- events in ----

  #heard(event) {
    if (event.utterance) event.utterance += this.#base;
    switch (event.type) {
      case 'ready':
        this.#readyAt = Date.now();
        this.#step('listening');
        break;
      case 'speech_start':
        this.#speeches.set(event.utterance, { at_ms: event.at_ms });
        break;
      case 'speech_end':
        this.#speechEnded(event);
        break;
      case 'partial':
        this.#partial(event);
        break;
      case 'final':
        if (!this.#final(event)) return;
        break;
      case 'error':
        if (!event.utterance) {
          this.#why = event; // the close follows, and decides
          return;
        }
        event.fatal = false;
        this.#utteranceFailed(event.utterance);
        break;
      case 'done':
        event.audio_ms = this.audioMs;
        event.utterances += this.#base;
        this.#emit('done', event);
        this.#end('done');
        return;
    }
    this.#emit(event.type, event);
  }

  #partial(event) {
    const speech = this.#speeches.get(event.utterance);
    event.stable_text = stableText(event.text, event.stable);
    if (!speech || speech.partialSeen) return;
    const since = this.#kept.sentAt(this.#bytesOf(speech.at_ms));
    if (since !== undefined) event.latency_ms = Math.round(performance.now() - since);
    speech.partialSeen = true;
  }

  #speechEnded(event) {
    const speech = this.#speeches.get(event.utterance);
    if (!speech) return;
    speech.ended_ms = event.at_ms;
    if (speech.failed) this.#utteranceEnded(event.utterance, event.at_ms);
  }

  // One that is still being said is over at its end.
  #utteranceFailed(utterance) {
    const speech = this.#speeches.get(utterance);
    if (speech && speech.ended_ms === undefined) speech.failed = true;
    else this.#utteranceEnded(utterance, speech?.ended_ms ?? 0);
  }

  #final(event) {
    if (event.cut_off) { // the session ends next: what it was of is sent again, if there is another session
      this.#cutOff.push(event);
      return false;
    }
    const end = this.#bytesOf(event.end_ms);
    const since = event.cause === 'commit' ? this.#kept.commitSentAt(end) : event.cause === 'stop' ? this.#stop?.sentAt : this.#kept.sentAt(end);
    const ended_ms = this.#speeches.get(event.utterance)?.ended_ms;
    const spoken = ended_ms === undefined ? undefined : this.#kept.sentAt(this.#bytesOf(ended_ms));
    const now = performance.now();
    if (since !== undefined) event.latency_ms = Math.round(now - since);
    if (spoken !== undefined) event.after_speech_ms = Math.round(now - spoken);
    if (event.adaptation) this.#adaptation = event.adaptation;
    delete event.adaptation;
    this.#attempt = 0;
    this.finals.push(event);
    this.#utteranceEnded(event.utterance, event.end_ms);
    return true;
  }

  #utteranceEnded(utterance, end_ms) {
    this.#settledUtterance = utterance;
    this.#speeches.delete(utterance);
    this.#settle(end_ms);
  }
}

// ---- the microphone ----

function microphoneError(e) {
  switch (e.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return new StenopoolError('denied', 'the microphone is not allowed for this page');
    case 'NotFoundError':
    case 'OverconstrainedError':
      return new StenopoolError('absent', 'there is no microphone');
    case 'NotReadableError':
    case 'AbortError':
      return new StenopoolError('in_use', 'the microphone cannot be opened; perhaps another program has it');
    default:
      return new StenopoolError('system', `the microphone cannot be opened: ${e.message}`);
  }
}

// At 16 kHz where the browser can bring the microphone to that, else at its own rate.
async function openContext(stream) {
  for (const options of [{ sampleRate: 16000 }, {}, { sampleRate: 48000 }]) {
    const context = new AudioContext(options);
    try {
      if (context.sampleRate > 192000) throw new Error('the server takes no more than 192000');
      return { context, source: context.createMediaStreamSource(stream) };
    } catch {
      await context.close(); // Firefox does not resample between a stream and a context
    }
  }
  throw new StenopoolError('system', 'the microphone gives more than 192000 samples a second, and this browser cannot make fewer of them');
}

/** Opens the microphone, sets the session's sampleRate, and sends what is said until stop(). Call it from a click.
 *  { deviceId, constraints, onLevel(0..1), onEnded(): the device is gone } */
export async function microphone(session, { deviceId, constraints = {}, onLevel, onEnded } = {}) {
  if (!globalThis.navigator?.mediaDevices?.getUserMedia || !globalThis.AudioWorkletNode)
    throw new StenopoolError('insecure', globalThis.isSecureContext === false
      ? 'browsers give the microphone only to pages that come by https or from this machine'
      : 'this browser cannot give the microphone to pages');
  let stream;
  try {
    const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false, ...constraints };
    if (deviceId) audio.deviceId = { exact: deviceId };
    stream = await navigator.mediaDevices.getUserMedia({ audio });
  } catch (e) {
    throw microphoneError(e);
  }
  let context;
  const release = async () => {
    stream.getTracks().forEach((track) => track.stop());
    await context?.close().catch(() => {});
  };
  try {
    const opened = await openContext(stream);
    context = opened.context;
    await context.audioWorklet.addModule(new URL('worklet.js', import.meta.url));
    const frames = new AudioWorkletNode(context, 'stenopool-frames', { numberOfOutputs: 0 });
    let flushed;
    const last = new Promise((resolve) => (flushed = resolve));
    frames.port.onmessage = ({ data }) => {
      if (data === null) flushed();
      else if (!session.isOver) {
        onLevel?.(data.peak);
        session.send(data.samples);
      }
    };
    stream.getTracks()[0].onended = () => onEnded?.();
    session.sampleRate = context.sampleRate;
    session.start();
    opened.source.connect(frames);
    await context.resume();
    return {
      sampleRate: context.sampleRate,
      /** Resolves when the last sample has been sent. */
      async stop() {
        frames.port.postMessage(null);
        await Promise.race([last, new Promise((resolve) => setTimeout(resolve, 300))]);
        await release();
      },
    };
  } catch (e) {
    await release();
    throw e;
  }
}

// ---- files ----

const WAV_ENCODINGS = { '1/16': 'pcm_s16le', '1/24': 'pcm_s24le', '1/32': 'pcm_s32le', '1/8': 'pcm_u8', '3/32': 'pcm_f32le', '6/8': 'alaw', '7/8': 'mulaw' };

// Of a format chunk; null if the server does not take such audio as it stands.
function readWavFormat(view, at, size) {
  const tag = view.getUint16(at, true);
  const encoding = WAV_ENCODINGS[`${tag === 0xfffe && size >= 26 ? view.getUint16(at + 24, true) : tag}/${view.getUint16(at + 14, true)}`];
  const [channels, sampleRate] = [view.getUint16(at + 2, true), view.getUint32(at + 4, true)];
  const good = encoding && channels >= 1 && channels <= 8 && sampleRate >= 8000 && sampleRate <= 192000 && view.getUint16(at + 12, true) === channels * BYTES_A_SAMPLE[encoding];
  return good ? { encoding, sampleRate, channels } : null;
}

/** What is in a WAV file, or in several of one format one behind the other, as it stands: { encoding, sampleRate, channels, bytes };
 *  null if the server does not take it so. */
export function readWav(buffer) {
  const view = new DataView(buffer);
  const word = (at) => String.fromCharCode(...new Uint8Array(buffer, at, 4));
  if (buffer.byteLength < 44 || word(0) !== 'RIFF' || word(8) !== 'WAVE') return null;
  const parts = [];
  let first = null;
  for (let at = 0; at + 8 <= buffer.byteLength; ) {
    const size = word(at) === 'RIFF' ? 4 : view.getUint32(at + 4, true);
    if (word(at) === 'fmt ' && at + 24 <= buffer.byteLength) {
      const format = readWavFormat(view, at + 8, size);
      first ??= format;
      if (!format || JSON.stringify(format) !== JSON.stringify(first)) return null;
    } else if (word(at) === 'data') {
      if (!first) return null;
      parts.push(new Uint8Array(buffer, at + 8, Math.min(size || Infinity, buffer.byteLength - at - 8))); // 0: its writer did not know
    }
    at += 8 + (word(at) === 'data' ? size || buffer.byteLength : size) + (size & 1);
  }
  return parts.length > 0 ? { ...first, bytes: parts.length > 1 ? joined(parts) : parts[0] } : null;
}

function joined(parts) {
  const all = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A Blob or File of any format that the browser can decode, as audio for feed(). WAV works without a browser too. */
export async function readAudio(blob) {
  const buffer = await blob.arrayBuffer();
  const wav = readWav(buffer);
  if (wav) return wav;
  if (!globalThis.OfflineAudioContext) throw new StenopoolError('invalid', 'this is not a WAV file that the server takes');
  const decoded = await new OfflineAudioContext(1, 1, 16000).decodeAudioData(buffer).catch(() => {
    throw new StenopoolError('invalid', 'this browser cannot find audio in the file');
  });
  const samples = new Int16Array(decoded.length);
  const channels = Array.from({ length: decoded.numberOfChannels }, (_, c) => decoded.getChannelData(c));
  for (let i = 0; i < samples.length; i++) {
    const value = channels.reduce((sum, channel) => sum + channel[i], 0) / channels.length;
    samples[i] = Math.max(-32768, Math.min(32767, Math.round(value * 32768)));
  }
  return { encoding: 'pcm_s16le', sampleRate: 16000, channels: 1, bytes: bytesOf(samples) };
}

/** How long audio of readAudio() is. */
export function durationMs({ encoding, sampleRate, channels, bytes }) {
  return (1000 * bytes.length) / (sampleRate * channels * BYTES_A_SAMPLE[encoding]);
}

/** Sends audio of readAudio() to a session with its encoding, sampleRate and channels: as fast as the server takes it, or
 *  with realTime at the pace of speech. Returns when all is sent or the session has ended. */
export async function feed(session, audio, { realTime = false } = {}) {
  const { bytes } = audio;
  const perMs = bytes.length / durationMs(audio);
  const piece = realTime ? Math.ceil(perMs * 40) : PIECE_BYTES;
  const began = performance.now();
  session.start();
  for (let at = 0; at < bytes.length && !session.isOver; at += piece) {
    const early = realTime ? (at + piece) / perMs - (performance.now() - began) : 0; // speech is there once it was said
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    else if (!realTime) await session.drain();
    if (!session.isOver) session.send(bytes.subarray(at, at + piece));
  }
}
