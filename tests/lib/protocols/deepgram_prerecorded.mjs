// Deepgram's interface to files: https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded
import { wav } from '../audio.mjs';

export const post = (server, query, body, { type = 'audio/wav', headers = {} } = {}) =>
  fetch(`http://${server.address}/v1/listen?${new URLSearchParams(query)}`, { method: 'POST', body, headers: { 'Content-Type': type, ...headers } });

export async function transcribe(server, clip) {
  const r = await post(server, { model: 'nova-3' }, wav(clip.samples, { rate: clip.rate }));
  return (await r.json()).results.channels[0].alternatives[0].transcript;
}
