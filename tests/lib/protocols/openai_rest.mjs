// A client of OpenAI's REST interface, written after its documentation.
import assert from 'node:assert/strict';
import { wav } from '../audio.mjs';

export function form(fields, bytes) {
  const f = new FormData();
  f.append('file', new Blob([bytes]), 'speech.wav');
  for (const [name, value] of Object.entries(fields)) f.append(name, value);
  return f;
}
export function post(server, fields, bytes, { path = '/v1/audio/transcriptions', ...options } = {}) {
  return fetch(`http://${server.address}${path}`, { method: 'POST', body: form(fields, bytes), ...options });
}

// The events of a stream as they come; "[DONE]" as it stands.
export async function* events(response) {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body) {
    rest += decoder.decode(bytes, { stream: true });
    for (let end; (end = rest.indexOf('\n\n')) >= 0; rest = rest.slice(end + 2)) {
      assert.match(rest, /^data: /);
      const text = rest.slice(6, end);
      yield text === '[DONE]' ? text : JSON.parse(text);
    }
  }
  assert.equal(rest, '');
}

export async function transcribe(server, clip) {
  const r = await post(server, { model: 'whisper-1' }, wav(clip.samples));
  const body = await r.text();
  assert.equal(r.status, 200, body);
  return JSON.parse(body).text;
}
