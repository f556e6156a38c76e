// A POST whose client goes away when the test says so. Not fetch with a signal: where its memory is swept in between, Node 18
// forgets the signal (it holds what is to be aborted weakly), and the client stays.
import http from 'node:http';

// `body`: bytes or a FormData. `text()`: what has come of the answer. `left`: resolved once it has gone; rejected if it was answered first
// and may not have been (`answered`).
export async function postAndLeave(url, body, { answered = false } = {}) {
  const whole = new Response(body);
  const bytes = Buffer.from(await whole.arrayBuffer());
  const type = whole.headers.get('content-type');
  const req = http.request(url, { method: 'POST', agent: false,
    headers: { 'content-length': bytes.length, ...(type && { 'content-type': type }) } });
  let got = '';
  const left = new Promise((resolve, reject) => {
    req.on('response', (res) => {
      if (!answered) reject(new Error('it was answered'));
      res.on('error', () => {});
      res.on('data', (d) => (got += d));
    });
    req.on('error', resolve);
    req.on('close', resolve);
  });
  left.catch(() => {});
  req.end(bytes);
  return {
    text: () => got,
    leave: () => {
      req.destroy();
      return left;
    },
  };
}
