// What is made of measurements: quantiles of the server's histograms, word errors, tables.
'use strict';

// Buckets of a histogram on the metrics page, summed over pools: [[upper bound in ms, how many in all], ...]
function histogram(page, name) {
  const sums = new Map();
  for (const m of page.matchAll(new RegExp(`^stenopool_${name}_bucket\\{.*le="([^"]+)"\\} (\\d+)$`, 'gm'))) {
    const bound = m[1] === '+Inf' ? Infinity : Number(m[1]) * 1000;
    sums.set(bound, (sums.get(bound) || 0) + Number(m[2]));
  }
  return [...sums.entries()].sort((a, b) => a[0] - b[0]);
}

// A counter of the whole server on the metrics page.
function counter(page, name) {
  const m = new RegExp(`^stenopool_${name} (\\d+)$`, 'm').exec(page);
  return m ? Number(m[1]) : NaN;
}

// What was counted between two looks at the page.
function since(before, after) {
  return after.map(([bound, n], i) => [bound, n - (before[i] ? before[i][1] : 0)]);
}

// The bound of the bucket in which the quantile lies: it is at most that.
function quantile(buckets, share) {
  const total = buckets[buckets.length - 1][1];
  return buckets.find(([, n]) => n >= share * total)[0];
}

function wordsOf(text) {
  return text.toLowerCase().replace(/[^\p{L}\p{N}' ]/gu, ' ').split(/\s+/).filter(Boolean);
}

// Words that must be changed, left out or put in to make `got` of `want`.
function wordErrors(want, got) {
  let row = got.concat('').map((_, j) => j);
  want.forEach((word, i) => {
    const next = [i + 1];
    got.forEach((other, j) => {
      next.push(Math.min(row[j] + (word === other ? 0 : 1), row[j + 1] + 1, next[j] + 1));
    });
    row = next;
  });
  return row[got.length];
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function table(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((r) => String(r[i]).length)));
  const line = (r) => `| ${r.map((cell, i) => String(cell).padEnd(widths[i])).join(' | ')} |`;
  return [line(rows[0]), `| ${widths.map((w) => '-'.repeat(w)).join(' | ')} |`, ...rows.slice(1).map(line)].join('\n');
}

module.exports = { counter, histogram, median, quantile, since, table, wordErrors, wordsOf };
