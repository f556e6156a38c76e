// Pools whose ears are Whisper's, whatever those of the other tests are: tiny.en unless a test names another model.
import fs from 'node:fs';
import { ownStore, set, withServer } from './server.mjs';
import { signal } from './faults.mjs';
import { modelPath } from './models.mjs';

// For what must not depend on the amount: much of it where there is time (tools/check), enough of it elsewhere.
export const long = process.env.STENOPOOL_TEST_LONG === '1';

export const whisper = (more = {}) => set({ 'pool.en.engine': 'whisper', 'pool.en.model': 'tiny.en', 'pool.en.max': 1, ...more });
export const withWhisper = (more, body, options = {}) => withServer(whisper(more), body, { ...options, env: { ...ownStore, ...options.env } });

// The models of this machine under other names, in a place of their own.
export function storeOf(dir, files) {
  for (const [name, of] of Object.entries(files)) fs.symlinkSync(modelPath(of.replace(/^ggml-|\.bin$/g, '')), `${dir}/${name}`);
  return { STENOPOOL_MODELS: dir };
}

export const compute = async (s) => (await s.status()).compute;

// Stops the instance when `is` holds and keeps it stopped if that holds still: what was looked at may be over by then.
export async function stopWhere(s, pid, is, what) {
  await s.until(async () => {
    if (!(await is())) return false;
    signal(pid, 'SIGSTOP');
    if (await is()) return true;
    signal(pid, 'SIGCONT');
    return false;
  }, what);
}

// What a process has computed, in ticks of the system's clock.
export function ticks(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return 0; // it has ended
  }
}
