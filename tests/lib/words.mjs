// What was said, however an engine writes it: one writes "go forward ten meters", another "Go forward 10 meters."
import assert from 'node:assert/strict';
const UNITS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve', 'thirteen',
  'fourteen', 'fifteen', 'sixteen', 'seventeen', 'eighteen', 'nineteen'];
const TENS = ['', '', 'twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];
const number = (n) => (n < 20 ? UNITS[n] : [TENS[Math.floor(n / 10)], ...(n % 10 ? [UNITS[n % 10]] : [])].join(' '));
const SHORT = { mr: 'mister', mrs: 'missus', dr: 'doctor' };

// Lower case, without marks, one space between words; numbers up to 99 in letters.
export function said(text) {
  return text.toLowerCase().replace(/[’]/g, "'").replace(/[^\p{L}\p{N}']+/gu, ' ').trim().split(' ')
    .map((w) => (/^\d{1,2}$/.test(w) ? number(Number(w)) : SHORT[w] ?? w)).join(' ');
}

// How many words one has to change, add and take away to make the other of one.
export function edits(from, to) {
  const [a, b] = [from, to].map((text) => said(text).split(' ').filter(Boolean));
  let row = b.map((_, j) => j + 1);
  for (let i = 0; i < a.length; i++) {
    let [corner, left] = [i, i + 1];
    row = row.map((above, j) => {
      left = Math.min(left + 1, above + 1, corner + (a[i] === b[j] ? 0 : 1));
      corner = above;
      return left;
    });
  }
  return row.at(-1) ?? a.length;
}
export const wordsIn = (text) => said(text).split(' ').filter(Boolean).length;

function plain(x) {
  if (typeof x === 'string') return said(x);
  if (Array.isArray(x)) return x.map(plain);
  return x !== null && typeof x === 'object' ? Object.fromEntries(Object.entries(x).map(([k, v]) => [k, plain(v)])) : x;
}
// As assert.deepEqual, for what any ears may have heard: texts, and what has texts in it.
export const assertSaid = (got, want, message) => assert.deepEqual(plain(got), plain(want), message);
