// Speakers at the pace of speech, whose ends of speech do not coincide by construction: who says what and when is drawn before, from a
// seed, and depends on no answer, so that every server gets the same speech at the same moments.
'use strict';

const { BenchError } = require('../server/processes.js');
const { connect, library } = require('../server/talks.js');

const CHUNK_SAMPLES = 1024; // what Wyoming's own clients send at a time
const PAUSE_MS = [300, 1300];
const ANSWER_MS = 60000; // an answer that did not come by then is lost
const SEED = 4711;

// A number from 0 to 1, the same in every run (Park and Miller 1988).
function randomFrom(seed) {
  let at = seed;
  return () => (at = (at * 48271) % 2147483647) / 2147483647;
}

const pause = (random) => PAUSE_MS[0] + random() * (PAUSE_MS[1] - PAUSE_MS[0]);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// For each of n speakers what is said at which ms: [[{ clip, at }, ...], ...]. Each begins with another clip.
function plan(n, clips, each, round) {
  const random = randomFrom(SEED + 100 * n + round);
  return Array.from({ length: n }, (_, i) => {
    let at = pause(random) + (n > 1 ? 3000 * random() : 0);
    return Array.from({ length: each }, (_, k) => {
      const clip = clips[(i + k) % clips.length];
      const said = { clip, at };
      at += 1000 * clip.seconds + pause(random);
      return said;
    });
  });
}

// Each piece when its last sample has been said; how late the latest one was, ms.
async function sayLive(samples, begun, send) {
  let late = 0;
  for (let from = 0; from < samples.length; from += CHUNK_SAMPLES) {
    const to = Math.min(samples.length, from + CHUNK_SAMPLES);
    const due = begun + to / 16;
    if (due > performance.now()) await sleep(due - performance.now());
    late = Math.max(late, performance.now() - due);
    send(samples.subarray(from, to));
  }
  return late;
}

// Clients of Wyoming, as Home Assistant is one: each utterance a connection of its own.
async function wyoming(server) {
  const { Wyoming, bytesOf, plain } = await library('protocols/wyoming.mjs');
  return {
    async open() {},
    async say({ clip }, begun) {
      const w = await Wyoming.open(server);
      w.socket.setNoDelay(true);
      w.send('transcribe', { language: 'en' });
      w.start();
      const late = await sayLive(clip.samples, begun, (piece) => w.send('audio-chunk', { ...plain, timestamp: null }, bytesOf(piece)));
      w.stop();
      const ended = performance.now();
      const text = w.next('transcript', 'error').then((e) => {
        w.close();
        if (e.type === 'error') throw new BenchError(e.text);
        return e.text;
      });
      return { late, ended, text };
    },
    async close() {},
  };
}

// The native protocol: a session for each speaker, a commit behind each utterance, no partials.
async function native(server) {
  const sessions = new Map();
  return {
    async open(speaker) {
      sessions.set(speaker, { client: await connect(server, { partials: false }), n: 0 });
    },
    async say({ clip }, begun, speaker) {
      const s = sessions.get(speaker);
      const n = s.n++;
      const late = await sayLive(clip.samples, begun, (piece) => s.client.audio(piece, { chunk: 2 * CHUNK_SAMPLES }));
      s.client.send({ type: 'commit' });
      return { late, ended: performance.now(), text: s.client.event('final', n).then((e) => e.text) };
    },
    async close(speaker) {
      await sessions.get(speaker).client.finish();
    },
  };
}

async function answer({ late, ended, text }, clip) {
  const lost = sleep(ANSWER_MS).then(() => null);
  const heard = await Promise.race([text.catch(() => null), lost]);
  return { clip, late, heard, wait: (performance.now() - ended) / 1000 };
}

// What became of each utterance: [{ clip, heard: null if it was lost, wait: s from the end of speech to the text, late: ms }, ...]
async function speak(protocol, server, planned) {
  const client = await protocol(server);
  for (const i of planned.keys()) await client.open(i);
  const zero = performance.now();
  const answers = await Promise.all(planned.map(async (said, i) => {
    const all = [];
    for (const u of said) {
      if (zero + u.at > performance.now()) await sleep(zero + u.at - performance.now());
      all.push(answer(await client.say(u, zero + u.at, i), u.clip));
    }
    const came = await Promise.all(all);
    await client.close(i);
    return came;
  }));
  return answers.flat();
}

module.exports = { native, plan, speak, wyoming };
