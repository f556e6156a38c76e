// Clients that take nothing: one that does not read, and one whose machine or cable is gone without a word.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import path from 'node:path';
import { withServer, fake, root } from './lib/server.mjs';
import { Client, PING, frame } from './lib/client.mjs';
import { babble } from './lib/speech.mjs';
import { deadline } from './lib/wait.mjs';

async function holderAndWaiter(s) {
  const holder = await Client.start(s);
  await holder.event('ready');
  const waiter = await Client.start(s);
  await waiter.event('queued');
  return [holder, waiter];
}

test('a client that stops reading while pongs and partials go to it is dropped after send_timeout_ms, and the next has its place', async () => {
  const settings = { 'pool.en.max': 1, 'server.send_timeout_ms': 300, 'server.send_buffer_bytes': 67108864, 'pool.en.param.end_ms': 10 };
  await withServer(fake(settings), async (s) => {
    const [slow, waiter] = await holderAndWaiter(s);
    slow.socket.pause();
    const sound = babble(100);
    const pings = Buffer.concat(Array.from({ length: 20 }, () => frame(PING, Buffer.alloc(125))));
    const talk = setInterval(() => {
      slow.audio(sound);
      slow.raw(pings);
    }, 5);
    try {
      await waiter.event('ready');
    } finally {
      clearInterval(talk);
    }
    assert.equal((await s.metrics()).connections_slow_total, 1);
    await s.says(/session \d+: client left \(1006 nothing of what was sent was taken for send_timeout_ms 300\)/);
    slow.socket.resume();
    await slow.end();
    await waiter.finish();
  });
});

// Takes nothing of what is sent to it until it is dropped: so long did it take.
async function untilDropped(s) {
  const before = (await s.metrics()).connections_slow_total;
  const deaf = await Client.start(s);
  await deaf.event('ready');
  deaf.socket.pause();
  const pings = Buffer.concat(Array.from({ length: 20 }, () => frame(PING, Buffer.alloc(125))));
  await s.until(async () => {
    deaf.raw(pings);
    return (await s.metrics()).connections_slow_total > before;
  }, 'who takes nothing is dropped');
  deaf.socket.destroy();
}

test('a client that reads is not dropped, however long nothing is sent to it', async () => {
  await withServer(fake({ 'server.send_timeout_ms': 100, 'server.send_buffer_bytes': 67108864 }), async (s) => {
    const c = await Client.start(s);
    await c.event('ready');
    for (let i = 1; i <= 4; i++) {
      await untilDropped(s);
      c.ping();
      await c.until(() => c.pongs === i, 'a pong');
    }
    await c.finish();
    assert.equal((await s.metrics()).connections_slow_total, 4);
  });
});

// ---- a peer behind a cable that can be cut ----

const name = `stp${process.pid}`;
const subnet = `10.231.${(process.pid >> 6) & 255}`; // of this run
const [here, there] = [1, 2].map((n) => `${subnet}.${(process.pid & 63) * 4 + n}`);
const ip = (...args) => execFileSync('ip', args, { stdio: 'pipe' });

// The other end of a cable, in a network of its own; false or why there cannot be one.
function lay() {
  if (process.getuid() !== 0) return 'only root can make a network';
  try {
    ip('netns', 'add', name);
    ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'there', 'netns', name);
    ip('addr', 'add', `${here}/30`, 'dev', name);
    ip('link', 'set', name, 'up');
    ip('-n', name, 'addr', 'add', `${there}/30`, 'dev', 'there');
    ip('-n', name, 'link', 'set', 'there', 'up');
    return false;
  } catch (e) {
    remove();
    return `no network can be made: ${String(e.stderr ?? e.message).trim()}`;
  }
}
function remove() {
  // The cable too: a connection that has not ended keeps the network alive, and with it the other end of the cable.
  for (const what of [['link', 'del', name], ['netns', 'del', name]]) {
    try {
      ip(...what);
    } catch {
      // there was none
    }
  }
}
const noCable = lay();
test.after(remove);
const cut = () => ip('-n', name, 'link', 'set', 'there', 'down');
const mend = () => ip('-n', name, 'link', 'set', 'there', 'up');

// Starts a client over there, which runs `script` with `c`, and resolves once that has printed a line.
async function farClient(s, script) {
  const host = here;
  const port = Number((await s.says(new RegExp(`listening on http://${here}:(\\d+)`)))[1]);
  const lib = (f) => JSON.stringify(path.join(root, 'tests/lib', f));
  const text = `import { Client } from ${lib('client.mjs')}; import { babble } from ${lib('speech.mjs')};
    const server = { host: '${host}', port: ${port}, address: '${host}:${port}' };
    const c = await Client.start(server);
    ${script}
    console.log('there'); setInterval(() => {}, 1000);`;
  const child = spawn('ip', ['netns', 'exec', name, process.execPath, '--input-type=module', '-e', text]);
  let err = '';
  child.stderr.on('data', (d) => (err += d));
  const up = new Promise((resolve) => child.stdout.once('data', resolve));
  await deadline(up, () => `the client over there: ${err}`).catch((e) => {
    child.kill('SIGKILL');
    throw e;
  });
  return child;
}

async function withFarClient(settings, script, body) {
  const args = ['--listen', `${here}:0`, ...fake({ 'pool.en.max': 1, 'server.allow_open': 'yes', ...settings })];
  mend();
  await withServer(args, async (s) => {
    const child = await farClient(s, script);
    try {
      const waiter = await Client.start(s);
      await waiter.event('queued');
      await body(s, waiter);
      await waiter.event('ready');
      await waiter.finish();
    } finally {
      child.kill('SIGKILL');
    }
  });
}

test('a peer that is gone without a word is dropped after ping_timeout_ms, and the next has its place', { skip: noCable }, async () => {
  const settings = { 'server.ping_interval_ms': 1000, 'server.ping_timeout_ms': 2000 };
  await withFarClient(settings, `await c.event('ready');`, async (s, waiter) => {
    cut();
    await waiter.event('ready');
    await s.says(/no sign of life for ping_timeout_ms 2000, dropping the connection/);
  });
});

// Its audio is not read, as it has sent too much; so its pongs could not be heard, and only what is sent to it tells.
test('one whose audio is not read at that moment is dropped after send_timeout_ms', { skip: noCable }, async () => {
  const settings = { 'server.ping_interval_ms': 1000, 'server.ping_timeout_ms': 60000, 'server.send_timeout_ms': 1000,
    'server.session_buffer_ms': 1000, 'pool.en.param.slow': 100, 'pool.en.warmup': '', 'pool.en.begin_timeout_ms': 600000 };
  const script = `await c.event('ready'); const sound = babble(120000); c.audio(sound); c.audio(sound); c.audio(sound);
    const other = await Client.open(server);
    const left = async () => { // when the server has answered another twenty times
      for (let n = 0; n < 20; n++) {
        const before = other.pongs;
        other.ping();
        await other.until(() => other.pongs > before, 'a pong');
      }
      return c.socket.writableLength;
    };
    let last;
    while (last !== (last = await left()) || last === 0);
    other.socket.destroy();`;
  await withFarClient(settings, script, async (s, waiter) => {
    cut();
    await waiter.event('ready');
    await s.says(/nothing of what was sent was taken for send_timeout_ms 1000/);
    assert.equal((await s.metrics()).connections_slow_total, 1);
  });
});
