// Whether the weights of Silero VAD are where the server looks for them.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const FILE = 'ggml-silero-v6.2.0.bin';
const places = process.env.STENOPOOL_MODELS
  ? [process.env.STENOPOOL_MODELS]
  : ['/var/lib/stenopool/models', path.join(process.env.XDG_DATA_HOME || path.join(os.homedir(), '.local/share'), 'stenopool/models'), '/usr/share/stenopool/models'];

export const weights = places.map((d) => path.join(d, FILE)).find((f) => fs.existsSync(f));
export const noWeights = weights ? false : 'no weights of Silero VAD here (`stenopool models pull silero-v6.2`)';
