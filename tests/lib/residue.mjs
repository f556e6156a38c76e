// What the tests of isolation share.
import { dictate } from './client.mjs';
import { withServer, set } from './server.mjs';
import { clip } from './speech.mjs';

export const clipNames = ['austen-0870', 'austen-0880', 'austen-0890', 'austen-0920', 'austen-0930', 'lj001-0002', 'lj001-0004', 'lj001-0006'];
export const clips = () => clipNames.map(clip);

// All that recognition said in a session, without the instance's name.
export const heard = (c) => c.finals.map(({ instance, ...f }) => f);

// A walk over 0..n-1 in which each ordered pair of different numbers stands side by side once (Hierholzer).
export function pairsInOneWalk(n) {
  const left = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => j).filter((j) => j !== i));
  const walk = [];
  const stack = [0];
  while (stack.length > 0) {
    const at = stack.at(-1);
    if (left[at].length > 0) stack.push(left[at].pop());
    else walk.push(stack.pop());
  }
  return walk.reverse();
}

// What each clip is heard as by a server that never heard anything.
export async function freshly(some) {
  const fresh = [];
  for (const c of some) await withServer(set({ 'pool.en.max': 1 }), async (s) => fresh.push(heard(await dictate(s, c.samples))));
  return fresh;
}
