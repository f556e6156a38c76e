// What there is to know of a protocol in order to misbehave in it; one row each.
//   listen      listeners of its own; those of the row's `on` are attacked
//   path        of the WebSocket; none: a TCP stream (`line` says how a message is written there)
//   before      JSON messages up to audio; `audio` makes a message of 16-bit samples; `end` is said at the end
//   opening     goes between those and the audio
//   more        other JSON messages that clients may send once there is audio
//   needsBegin  audio before that is refused
//   text64      a message with this for base64
//   transcribe  what a well-behaved client gets for a clip
import fs from 'node:fs';
import { dictate, frame, TEXT, BINARY } from './client.mjs';
import { encode, resample, wav } from './audio.mjs';
import { join, silence } from './speech.mjs';

const module = (name) =>
  fs.existsSync(new URL(`./protocols/${name}.mjs`, import.meta.url)) ? import(`./protocols/${name}.mjs`) : null; // not every build has all protocols

const bytesOf = (samples) => Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
const text = (message) => frame(TEXT, Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)));
const binary = (bytes) => frame(BINARY, bytes);
const packet = (metadata, bytes) => {
  const json = Buffer.from(JSON.stringify(metadata));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return binary(Buffer.concat([length, json, bytes]));
};
// Of Wyoming: a line, then data and payload whose lengths it says.
export const event = (type, data = {}, payload = Buffer.alloc(0), { line = {} } = {}) => {
  const body = Buffer.from(JSON.stringify(data));
  return Buffer.concat([Buffer.from(`${JSON.stringify({ type, data_length: body.length, payload_length: payload.length, ...line })}\n`), body, payload]);
};
const sid = { callSid: 'CA1', streamSid: 'MZ1' };
const pcm = { rate: 16000, width: 2, channels: 1 };

// It says no stop, which would come on the other connection, before what is held back of the audio: silence ends both utterances.
async function realtimestt() {
  const m = await module('realtimestt');
  return m && { transcribe: async (server, { samples }) => {
    const r = await m.Recorder.open(server);
    r.feed(join(samples, silence(1500)));
    await r.data.until(() => r.sentences.length === 2, 'both sentences');
    await r.close();
    return r.sentences.join(' ');
  } };
}

const rows = [
  {
    name: 'native', path: '/v1/stream', needsBegin: true,
    before: [{ type: 'start', pool: 'en', sample_rate: 16000, channels: 1, encoding: 'pcm_s16le', endpointing: 'vad', partials: true,
      vad_sensitivity: 0.5, post_silence_ms: 600, adaptation: '' }],
    audio: (s) => binary(bytesOf(s)), end: { type: 'stop' }, more: [{ type: 'commit' }],
    text64: (t) => ({ type: 'start', adaptation: t }),
    load: async () => ({ transcribe: async (server, clip) => (await dictate(server, clip.samples)).text }),
  },
  {
    name: 'openai realtime', path: '/v1/realtime?intent=transcription', load: () => module('openai_realtime'),
    before: [{ type: 'session.update', event_id: 'e1', session: { type: 'transcription', audio: { input: { format: { type: 'audio/pcm', rate: 24000 },
      transcription: { model: 'whisper-1', language: 'en', prompt: 'x' }, turn_detection: { type: 'server_vad', threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: 500 },
      noise_reduction: { type: 'near_field' } } }, include: ['item.input_audio_transcription.logprobs'] } }],
    audio: (s) => text({ type: 'input_audio_buffer.append', audio: bytesOf(s).toString('base64') }), end: { type: 'input_audio_buffer.commit' },
    more: [{ type: 'input_audio_buffer.clear', event_id: 'e2' }, { type: 'response.create', response: {} }, { type: 'input_audio_buffer.append', audio: 'AAAA' }],
    text64: (t) => ({ type: 'input_audio_buffer.append', audio: t }),
  },
  {
    name: 'deepgram live', path: '/v1/listen?encoding=linear16&sample_rate=16000&interim_results=true', load: () => module('deepgram'),
    before: [], audio: (s) => binary(bytesOf(s)), end: { type: 'CloseStream' }, more: [{ type: 'KeepAlive' }, { type: 'Finalize', channel: 0 }],
  },
  {
    name: 'deepgram live, a file', path: '/v1/listen?model=nova-3', load: () => module('deepgram'),
    before: [], opening: binary(wav(new Int16Array(16000 * 3)).subarray(0, 44)), audio: (s) => binary(bytesOf(s)), end: { type: 'CloseStream' }, more: [{ type: 'KeepAlive' }],
  },
  {
    name: 'twilio', path: '/twilio', load: () => module('twilio'), needsBegin: true,
    before: [{ event: 'connected', protocol: 'Call', version: '1.0.0' }, { event: 'start', sequenceNumber: '1', streamSid: 'MZ1',
      start: { accountSid: 'AC1', ...sid, tracks: ['inbound'], mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 }, customParameters: { pool: 'en', inline: 'true' } } }],
    audio: (s) => text({ event: 'media', sequenceNumber: '2', streamSid: 'MZ1', media: { track: 'inbound', chunk: '1', payload: encode(resample(s, 16000, 8000), 'mulaw').toString('base64') } }),
    end: { event: 'stop', stop: { accountSid: 'AC1', callSid: 'CA1' } },
    more: [{ event: 'media', media: { track: 'outbound', chunk: '1', timestamp: '5', payload: '////' } }, { event: 'mark', mark: { name: 'x' } }],
    text64: (t) => ({ event: 'media', media: { track: 'inbound', payload: t } }),
  },
  {
    name: 'twilio transcripts', path: '/twilio/transcripts?callSid=CA1', load: () => module('twilio'), mute: true,
    before: [], audio: (s) => binary(bytesOf(s)), end: { event: 'stop' }, more: [],
  },
  {
    name: 'vosk', listen: ['vosk'], path: '/', load: () => module('vosk'),
    before: [{ config: { sample_rate: 16000, words: true, max_alternatives: 2, phrase_list: ['a'], model: 'en' } }],
    audio: (s) => binary(bytesOf(s)), end: { eof: 1 }, more: [{ reset: 1 }],
  },
  {
    name: 'whisperlive', listen: ['whisperlive'], path: '/', load: () => module('whisperlive'), needsBegin: true,
    before: [{ uid: 'u', language: 'en', task: 'transcribe', model: 'small', use_vad: true, send_last_n_segments: 10, no_speech_thresh: 0.45,
      word_timestamps: true, audio_format: 'float32', vad_parameters: { threshold: 0.5 }, hotwords: null }],
    audio: (s) => binary(encode(s, 'pcm_f32le')), end: 'END_OF_AUDIO', more: [],
  },
  {
    name: 'sherpa-onnx', listen: ['sherpa-onnx'], path: '/', load: () => module('sherpa'),
    before: [], audio: (s) => binary(encode(s, 'pcm_f32le')), end: 'Done', more: [],
  },
  {
    name: 'realtimestt data', listen: ['realtimestt-control', 'realtimestt-data'], on: 'realtimestt-data', path: '/', load: realtimestt,
    before: [], audio: (s) => packet({ sampleRate: 16000, server_sent_to_stt: 1 }, bytesOf(s)), more: [],
    packet: (meta, n) => packet(meta, Buffer.alloc(n)),
  },
  {
    name: 'realtimestt control', listen: ['realtimestt-control', 'realtimestt-data'], on: 'realtimestt-control', path: '/', load: realtimestt,
    before: [{ command: 'set_parameter', parameter: 'post_speech_silence_duration', value: 0.6, request_id: 1 }], audio: (s) => binary(bytesOf(s)),
    more: [{ command: 'get_parameter', parameter: 'silero_sensitivity', request_id: 2 }, { command: 'call_method', method: 'stop', args: [], kwargs: {} }],
  },
  {
    name: 'realtimestt fastapi', listen: ['realtimestt-fastapi'], path: '/ws/transcribe', load: () => module('realtimestt_fastapi'),
    before: [{ type: 'start' }], audio: (s) => packet({ sampleRate: 16000, channels: 1, format: 'pcm_s16le', frames: s.length }, bytesOf(s)),
    end: { type: 'stop' }, more: [{ type: 'clear' }, { type: 'ping' }], packet: (meta, n) => packet(meta, Buffer.alloc(n)),
  },
  {
    name: 'wyoming', listen: ['wyoming'], load: () => module('wyoming'),
    before: [{ type: 'transcribe', data: { name: 'en', language: 'en', context: {} } }, { type: 'audio-start', data: { ...pcm, timestamp: 0 } }],
    audio: (s) => event('audio-chunk', { ...pcm, timestamp: null }, bytesOf(s)), end: { type: 'audio-stop', data: { timestamp: null } },
    more: [{ type: 'describe', data: {} }, { type: 'ping', data: { text: 'x' } }, { type: 'audio-chunk', data: { ...pcm } }],
    line: (m) => (typeof m === 'string' ? Buffer.from(m + '\n') : Buffer.from(JSON.stringify(m) + '\n')),
  },
];

// Those that this version has.
export const protocols = [];
for (const row of rows) {
  const loaded = await row.load();
  if (loaded === null) continue;
  const { listen = [], on = listen[0] } = row;
  protocols.push({
    more: [], ...row, listen, transcribe: loaded.transcribe, port: (server) => (on ? server.ports[on] : server.port),
    say: (m) => (row.line ?? text)(m),
  });
}
// Of requests with a body.
export const requests = [];
for (const [name, file, path, type] of [
  ['openai rest', 'openai_rest', '/v1/audio/transcriptions', 'multipart/form-data; boundary=b'],
  ['deepgram prerecorded', 'deepgram_prerecorded', '/v1/listen?model=nova-3', 'audio/wav'],
]) {
  const loaded = await module(file);
  if (loaded !== null) requests.push({ name, path, type, transcribe: loaded.transcribe, listen: [], wrap: (bytes) => bytes });
}
export const form = (bytes, more = '') => Buffer.concat([
  Buffer.from(`--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n${more}--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n`),
  bytes, Buffer.from('\r\n--b--\r\n')]);
if (requests[0]?.name === 'openai rest') requests[0].wrap = (bytes) => form(bytes);
export const listenArgs = [...new Set(protocols.flatMap((p) => p.listen))].flatMap((name) => ['--listen', `${name}=127.0.0.1:0`]);
