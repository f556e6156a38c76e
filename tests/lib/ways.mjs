// How sessions end.
import { Client, dictate } from './client.mjs';

// Every way a session can end, in turn.
export const ways = [
  (s, sound) => dictate(s, sound, { endpointing: 'manual' }),
  async (s, sound) => {
    const c = await Client.start(s, {});
    c.audio(sound);
    c.vanish();
  },
  async (s) => {
    const c = await Client.start(s, { sample_rate: 7 });
    await c.end();
  },
  async (s, sound) => {
    const c = await Client.start(s, {});
    await c.event('ready');
    c.audio(sound, { chunk: 999 });
    c.close();
    await c.end();
  },
];
