// A WebSocket for clients that are written as others write theirs: the package ws, Debian's (node-ws) or, where that is not
// installed, the one of npm. Node before 22 has no WebSocket of its own.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

function load() {
  for (const name of ['/usr/share/nodejs/ws', 'ws']) {
    try {
      return require(name);
    } catch (e) {
      if (e.code !== 'MODULE_NOT_FOUND') throw e;
    }
  }
  return undefined;
}

export const WebSocket = load();
export const noWebSocket = WebSocket ? false : 'the Debian package node-ws is not installed (tools/install-packages test)';
