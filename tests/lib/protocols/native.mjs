// The native protocol (docs/protocol.md).
import { dictate } from '../client.mjs';

export async function transcribe(server, clip) {
  return (await dictate(server, clip.samples, { sample_rate: clip.rate })).text;
}
