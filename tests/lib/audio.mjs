// Audio in other clothes: encodings, sample rates, channels and WAV files, made from 16-bit samples.

// G.711, by search: the code whose value, as its standard gives it, lies nearest to the sample.
const muValue = (c) => {
  const code = c ^ 0xff;
  const magnitude = ((2 * (code & 15) + 33) << ((code >> 4) & 7)) - 33;
  return (code & 0x80 ? -magnitude : magnitude) * 4;
};
const aValue = (c) => {
  const code = c ^ 0x55;
  const exponent = (code >> 4) & 7;
  const step = 2 * (code & 15) + 1;
  const magnitude = exponent === 0 ? step : (step + 32) << (exponent - 1);
  return (code & 0x80 ? magnitude : -magnitude) * 8;
};

function nearestTable(value) {
  const codes = Array.from({ length: 256 }, (_, c) => [value(c), c]).sort((a, b) => a[0] - b[0]);
  const table = new Uint8Array(65536);
  let at = 0;
  for (let s = -32768; s < 32768; s++) {
    while (at + 1 < codes.length && Math.abs(codes[at + 1][0] - s) <= Math.abs(codes[at][0] - s)) at++;
    table[s & 0xffff] = codes[at][1];
  }
  return table;
}

const tables = new Map();
function companded(samples, name, value) {
  if (!tables.has(name)) tables.set(name, nearestTable(value));
  return Buffer.from(samples).map((_, i) => tables.get(name)[samples[i] & 0xffff]);
}

function words(samples, bytes, write) {
  const b = Buffer.alloc(samples.length * bytes);
  samples.forEach((s, i) => write(b, s, i * bytes));
  return b;
}

// Bytes of Int16Array samples as a client would send them.
export function encode(samples, encoding) {
  switch (encoding) {
    case 'pcm_s16le':
      return words(samples, 2, (b, s, at) => b.writeInt16LE(s, at));
    case 'pcm_f32le':
      return words(samples, 4, (b, s, at) => b.writeFloatLE(s / 32768, at));
    case 'pcm_u8':
      return words(samples, 1, (b, s, at) => b.writeUInt8(Math.min(255, Math.round(s / 256) + 128), at));
    case 'mulaw':
      return companded(samples, encoding, muValue);
    case 'alaw':
      return companded(samples, encoding, aValue);
    default:
      throw new Error(`encoding ${encoding}?`);
  }
}

// A windowed sinc of 32 zero crossings: good enough that a recogniser cannot tell.
export function resample(samples, from, to) {
  const scale = Math.min(1, to / from);
  const reach = 32 / scale;
  const out = new Int16Array(Math.floor((samples.length * to) / from));
  for (let i = 0; i < out.length; i++) {
    const centre = (i * from) / to;
    let sum = 0;
    for (let j = Math.max(0, Math.ceil(centre - reach)); j <= Math.min(samples.length - 1, centre + reach); j++) {
      const x = (j - centre) * scale;
      const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
      sum += samples[j] * scale * sinc * (0.5 + 0.5 * Math.cos((Math.PI * (j - centre)) / reach));
    }
    out[i] = Math.max(-32768, Math.min(32767, Math.round(sum)));
  }
  return out;
}

export function stereo(samples) {
  const both = new Int16Array(2 * samples.length);
  samples.forEach((s, i) => both.fill(s, 2 * i, 2 * i + 2));
  return both;
}

// Louder or softer; noisy encodings need a voice that fills their range.
export function louder(samples, factor) {
  return samples.map((s) => Math.max(-32768, Math.min(32767, Math.round(s * factor))));
}

const TAGS = { pcm: 1, float: 3, alaw: 6, mulaw: 7 };

function wavBytes(samples, kind, bits) {
  if (kind === 'alaw' || kind === 'mulaw') return encode(samples, kind);
  if (kind === 'float') return encode(samples, 'pcm_f32le');
  if (bits === 8) return encode(samples, 'pcm_u8');
  const bytes = bits / 8; // the sample is the upper 16 bits
  return words(samples, bytes, (b, s, at) => b.writeInt16LE(s, at + bytes - 2));
}

export function wav(samples, { kind = 'pcm', bits = 16, rate = 16000, channels = 1 } = {}) {
  const data = wavBytes(samples, kind, bits);
  const h = Buffer.alloc(44);
  h.write('RIFF', 0);
  h.writeUInt32LE(36 + data.length, 4);
  h.write('WAVEfmt ', 8);
  h.writeUInt32LE(16, 16);
  h.writeUInt16LE(TAGS[kind], 20);
  h.writeUInt16LE(channels, 22);
  h.writeUInt32LE(rate, 24);
  h.writeUInt32LE((rate * channels * bits) / 8, 28);
  h.writeUInt16LE((channels * bits) / 8, 32);
  h.writeUInt16LE(bits, 34);
  h.write('data', 36);
  h.writeUInt32LE(data.length, 40);
  return Buffer.concat([h, data, Buffer.alloc(data.length & 1)]);
}
