#!/usr/bin/env python3
# Stands in for stenopool-host: it says HELLO and then does wrong what the parameter `wrong` says, so many lives long; then it
# becomes the real one. Its lives are counted in a file.
import os
import select
import socket
import struct
import sys
import threading
import time

HELLO, HOST_FAILED, SPAWNED, SPAWN_FAILED, EXITED, SPAWN = range(1, 7)
BEGIN, AUDIO, PARTIAL_REQUEST, END, ABORT, RESET, READY, PROGRESS, PARTIAL, FINAL, FAILED, PING, PONG = range(7, 20)

server = socket.socket(fileno=3)
own = dict(a.split('=', 1) for a in sys.argv[2:] if a.startswith(('wrong=', 'lives=')))
born = {}  # by the pid: as which instance
lives_file = os.environ['FAKE_HOST_LIVES']


def message(kind, fields=b''):
    return struct.pack('<HHIQ', kind, 0, 16 + len(fields), 0) + fields


def text(s):
    return struct.pack('<I', len(s)) + s.encode()


def tell(kind, fields=b''):
    server.send(message(kind, fields))


def hello():
    tell(HELLO, struct.pack('<6I11H', 9, os.getpid(), 1, 1, 1, 1, 0, 1, 0, 0, 1, 27, 0, 1, 1, 1, 0) + text('fake') + text('fake'))


def next_message():
    while not select.select([server], [], [], 0.02)[0]:
        reap()
    packet = server.recv(65536)
    if not packet:
        sys.exit(0)
    return struct.unpack_from('<H', packet)[0], packet[16:]


def forever():
    while True:
        time.sleep(3600)


# From another process, so that it answers all the while. That one ends when nobody reads any more.
def flood():
    pid = os.fork()
    while pid == 0:
        os.write(2, 4096 * b'n\xc3\xa9n\0\n')
    return pid


# An instance that never says READY: it waits for a lock that nobody will give back, or ends at once.
def bear(instance, ends):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    words, stderr = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(stderr, 2)
        os.dup2(theirs.fileno(), 3)
        os.closerange(4, 64)
        if ends:
            os._exit(3)
        forever()
    born[pid] = struct.unpack('<Q', instance)[0]
    pidfd = os.pidfd_open(pid)
    socket.send_fds(server, [message(SPAWNED, instance + struct.pack('<II', pid, 7))], [ours.fileno(), words, pidfd])
    for fd in (words, stderr, pidfd):
        os.close(fd)
    ours.close()
    theirs.close()


# What an instance says to a message of the utterance that began with `begin`.
def hear(sock, epoch, begin, kind):
    def say(kind, fields):
        sock.send(struct.pack('<HHIQ', kind, 0, 16 + len(fields), epoch) + fields)
    if kind == PARTIAL_REQUEST:
        say(PARTIAL, begin[:8] + text('heard') + struct.pack('<HH', 5000, 0) + text(''))
    if kind == END:
        say(FINAL, begin[:8] + text('heard inside') + struct.pack('<HH', 5000, 0) + text('') + struct.pack('<4I', 0, 1, 1, 1))


# An instance that is a thread of this process: it has a socket, and nothing else by which it could be reached.
def live_inside(sock, instance, hangs):
    sock.send(message(READY))
    begin = b''
    while True:
        packet = sock.recv(65536)
        if not packet:
            break
        kind, epoch = struct.unpack_from('<H', packet)[0], struct.unpack_from('<Q', packet, 8)[0]
        begin = packet[16:] if kind == BEGIN else begin
        if not hangs:
            hear(sock, epoch, begin, kind)
    sock.close()
    tell(EXITED, instance + struct.pack('<II', os.getpid(), 0))


def bear_inside(instance, hangs):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    socket.send_fds(server, [message(SPAWNED, instance + struct.pack('<II', os.getpid(), 1))], [ours.fileno()])
    ours.close()
    threading.Thread(target=live_inside, args=(theirs, instance, hangs), daemon=True).start()


# Reaps what has ended, and tells.
def reap():
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if pid in born:
            tell(EXITED, struct.pack('<QII', born.pop(pid), pid, status))


def serve(wrong):
    flooder = None
    newborns = 0
    while True:
        kind, fields = next_message()
        if wrong == 'swallows':
            if kind == PING:
                tell(PONG)
        elif wrong == 'floods':
            if kind == PING:
                tell(PONG)
            else:
                tell(SPAWN_FAILED, fields + text('not now'))
            if flooder is None:
                flooder = flood()
        elif wrong in ('inside', 'inside-hangs'):
            if kind == PING:
                tell(PONG)
            else:
                newborns += 1
                bear_inside(fields, wrong == 'inside-hangs' and newborns == 1)
        elif wrong in ('barren', 'stillborn'):
            if kind == PING:
                tell(PONG)
            else:
                bear(fields, wrong == 'stillborn')
        elif wrong == 'chatters':
            tell(PONG)
            tell(PONG)
        elif wrong == 'stalls':
            forever()


def main():
    with open(lives_file, 'a+') as f:
        f.write('x')
        f.seek(0)
        lives = len(f.read())
    wrong = own['wrong']
    if lives > int(own.get('lives', '1')):
        os.execv(os.environ['FAKE_HOST_REAL'], [os.environ['FAKE_HOST_REAL']] + [a for a in sys.argv[1:] if not a.startswith(('wrong=', 'lives='))])
    if wrong == 'never':
        forever()
    hello()
    if wrong == 'dies':
        sys.exit(7)
    if wrong == 'deaf':
        forever()
    serve(wrong)


main()
