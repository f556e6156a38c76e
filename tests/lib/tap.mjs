// What a server says, byte by byte: its ports again, with somebody who listens in between.
import net from 'node:net';

async function tap(port, heard) {
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const up = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    up.on('data', (d) => heard.push(d));
    for (const [from, to] of [[client, up], [up, client]]) {
      from.on('error', () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

// The server as clients see it, `text()` of all that it has said to them, and `close()`.
export async function tapped(server) {
  const heard = [];
  const taps = [];
  const again = async (port) => {
    taps.push(await tap(port, heard));
    return taps.at(-1).address().port;
  };
  const port = await again(server.port);
  const ports = {};
  for (const [name, at] of Object.entries(server.ports ?? {})) ports[name] = await again(at);
  return {
    server: { host: '127.0.0.1', port, ports, address: `127.0.0.1:${port}` },
    text: () => Buffer.concat(heard).toString('latin1'),
    close: () => taps.forEach((t) => t.close()),
  };
}
