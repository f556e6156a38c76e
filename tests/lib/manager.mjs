// A service manager's socket, as sd_notify(3) has it: m.told is what it was told, a line a message, with | for the ends of lines.
// Node has no datagram sockets with a path, so Perl has it.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { until } from './wait.mjs';

const socket = `use Socket; $| = 1; my $n = $ARGV[0]; $n =~ s/^@/\\0/;
socket(S, AF_UNIX, SOCK_DGRAM, 0) && bind(S, pack_sockaddr_un($n)) || die $!; print "bound\\n";
while (defined recv(S, my $m, 4096, 0)) { $m =~ s/\\n/|/g; print "$m\\n"; }`;

export async function withManager(body, { abstract = false } = {}) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-manager-'));
  const name = abstract ? `@stenopool-test-${process.pid}` : path.join(dir, 'notify');
  const perl = spawn('perl', ['-e', socket, name]);
  const m = { name, told: '' };
  m.hears = (words) => until(() => words.test(m.told), `the manager hears ${words}: ${m.told}`);
  m.times = (message) => m.told.split('\n').filter((l) => l === message).length;
  perl.stdout.on('data', (d) => (m.told += d));
  try {
    await until(() => m.told.includes('bound\n'), 'the manager listens');
    await body(m);
  } finally {
    perl.kill();
    fs.rmSync(dir, { recursive: true, force: true });
  }
}
