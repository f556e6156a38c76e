// Speech with its words, for recognisers that hear words: real where it is, else spoken by flite.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const { ROOT } = require('../server/processes.js');
const { library } = require('../server/talks.js');

const AUDIO = process.env.STENOPOOL_TEST_AUDIO || path.join(ROOT, '..', 'shared', 'audio');
const ROOM = path.join(AUDIO, '..', 'rooms', 'asr-reference.wav');
const SPOKEN = ['austen-0880', 'austen-0920', 'jfk', 'austen-0890', 'austen-0870', 'austen-0930']; // 3, 6, 11, 5, 7 and 3 s
// Where the room's recording is cut, s: in the pauses, so that each piece is a line of its words.
const ROOM_CUTS = [1.3, 8.2, 16.3, 23.45, 29.25, 36.95, 44.2, 49.25];
const STAND_INS = ['the weather is nice today and it will stay like that', 'please call me tomorrow morning before nine if you can find the time for it, or in the evening after the concert',
  'we would like to know whether the train to the city leaves on time today, since we have to be there at noon, and whether there is another one later in the afternoon that stops at all of the smaller stations',
  'the children went down to the river to look for stones and came home in the rain',
  'nobody had told him that the meeting was moved to another room on the third floor of the building next door',
  'thank you very much indeed for all of your help'];

let room = null;

// { name, file, words, samples, seconds }; all at 16 kHz. The first three are of 3, 6 and 11 s.
async function six() {
  const { clip, noRealSpeech, speak } = await library('speech.mjs');
  const real = !noRealSpeech && SPOKEN.every((name) => fs.existsSync(path.join(AUDIO, `${name}.wav`)));
  return SPOKEN.map((name, i) => {
    const c = real ? clip(name) : speak(STAND_INS[i]);
    return { name: real ? name : `flite-${i + 1}`, file: c.file, words: c.words, samples: c.samples, seconds: c.samples.length / 16000 };
  });
}

// The room's recording in pieces, as files of their own, which are gone at the end.
async function roomPieces() {
  if (room !== null || !fs.existsSync(ROOM)) return room ?? [];
  const { readWav } = await library('speech.mjs');
  const { wav } = await library('audio.mjs');
  const { samples, rate } = readWav(ROOM);
  const lines = fs.readFileSync(ROOM.replace(/wav$/, 'txt'), 'utf8').trim().split('\n');
  const at = [0, ...ROOM_CUTS.map((s) => Math.round(s * rate)), samples.length];
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-bench-'));
  process.once('exit', () => fs.rmSync(directory, { recursive: true, force: true }));
  room = lines.map((words, i) => {
    const file = path.join(directory, `room-${i + 1}.wav`);
    fs.writeFileSync(file, wav(samples.subarray(at[i], at[i + 1]), { rate }));
    return { name: `room-${i + 1}`, file, words };
  });
  return room;
}

// All that there is: { name, file, words }.
async function all() {
  const { noRealSpeech } = await library('speech.mjs');
  if (noRealSpeech) return six();
  const own = fs.readdirSync(AUDIO).filter((f) => f.endsWith('.wav')).sort().map((f) => ({ name: f.slice(0, -4), file: path.join(AUDIO, f),
    words: fs.readFileSync(path.join(AUDIO, f.replace(/wav$/, 'txt')), 'utf8').trim() }));
  return [...own, ...(await roomPieces())];
}

module.exports = { all, six };
