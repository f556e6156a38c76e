// What is no speech, made by sox: ten minutes each of noise, music, typing and breath, in a room that is not quite silent.
'use strict';

const { execFileSync } = require('child_process');
const fs = require('fs');
const path = require('path');

const SECONDS = 600;
const RAW = ['-r', '16000', '-c', '1', '-b', '16', '-e', 'signed'];
const sox = (...args) => execFileSync('sox', ['-D', '-R', ...args.map(String)], { stdio: ['ignore', 'ignore', 'pipe'] });

// The same in every run.
function dice(seed) {
  let state = seed;
  return () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32);
}

function looped(dir, name, pieces, gain) {
  const one = path.join(dir, `${name}-one.wav`);
  const room = path.join(dir, `${name}-room.wav`);
  const long = path.join(dir, `${name}-long.wav`);
  const file = path.join(dir, `${name}.raw`);
  sox(...pieces, one);
  sox(one, long, 'rate', 16000, 'gain', '-n', gain, 'repeat', Math.ceil(SECONDS / 20), 'trim', 0, SECONDS);
  sox('-r', 16000, '-n', '-c', 1, room, 'synth', SECONDS, 'pinknoise', 'gain', -52);
  sox('-m', '-v', 1, long, '-v', 1, room, ...RAW, '-t', 'raw', file);
  return file;
}

// 20 s of sounds one behind the other: each is what `make` gives for a piece.
function pieces(dir, name, seed, make) {
  const roll = dice(seed);
  const files = [];
  for (let at = 0; at < 20; ) {
    const file = path.join(dir, `${name}-${files.length}.wav`);
    at += make(file, roll, files.length);
    files.push(file);
  }
  return files;
}

function noise(dir) {
  const parts = ['whitenoise', 'pinknoise', 'brownnoise'].map((kind, i) => {
    const file = path.join(dir, `noise-${i}.wav`);
    sox('-r', 16000, '-n', '-c', 1, file, 'synth', SECONDS / 3, kind, 'tremolo', 0.1 + 0.05 * i, 60, 'gain', -(20 + 5 * i));
    return file;
  });
  const file = path.join(dir, 'noise.raw');
  sox(...parts, ...RAW, '-t', 'raw', file);
  return file;
}

function music(dir) {
  const chords = [[0, 4, 7], [5, 9, 12], [7, 11, 14], [-3, 0, 4]];
  const hz = (half) => (220 * 2 ** (half / 12)).toFixed(2);
  return looped(dir, 'music', pieces(dir, 'music', 7, (file, roll, i) => {
    const chord = chords[(i >> 3) % 4];
    const melody = chord[Math.floor(roll() * 3)] + 12;
    sox('-r', 48000, '-n', '-c', 4, file, 'synth', 0.4, 'pluck', hz(chord[0] - 12), 'pluck', hz(chord[1]), 'pluck', hz(chord[2]), 'pluck', hz(melody),
      'remix', '-', 'fade', 0.005, 0.4, 0.05);
    return 0.4;
  }), -12);
}

function typing(dir) {
  return looped(dir, 'typing', pieces(dir, 'typing', 11, (file, roll) => {
    const length = 0.015 + 0.02 * roll();
    const pause = roll() < 0.1 ? 0.4 + roll() : 0.06 + 0.15 * roll();
    sox('-r', 16000, '-n', '-c', 1, file, 'synth', length, 'whitenoise', 'bandpass', 1200 + 3500 * roll(), '2q', 'fade', 'l', 0.001, length, length * 0.8,
      'gain', -3 - 9 * roll(), 'pad', 0, pause);
    return length + pause;
  }), -18);
}

function breath(dir) {
  return looped(dir, 'breath', pieces(dir, 'breath', 13, (file, roll, i) => {
    const length = 0.7 + 0.6 * roll();
    const pause = i % 2 === 0 ? 0.2 : 1 + 1.5 * roll();
    sox('-r', 16000, '-n', '-c', 1, file, 'synth', length, 'pinknoise', 'bandpass', (i % 2 === 0 ? 1800 : 900) + 400 * roll(), '1.2q', 'highpass', 300,
      'fade', 'h', length * 0.4, length, length * 0.5, 'gain', '-n', -6 - 6 * roll(), 'pad', 0, pause);
    return length + pause;
  }), -26);
}

// { name: file }, in `dir`.
exports.make = (dir) => {
  fs.mkdirSync(dir, { recursive: true });
  return { noise: noise(dir), music: music(dir), typing: typing(dir), breath: breath(dir) };
};
exports.SECONDS = SECONDS;
