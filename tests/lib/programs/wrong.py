#!/usr/bin/env python3
"""A program that does wrong: wrong.py WHAT [ONCE]. With ONCE, a file, only the first process of all does, and the others are good."""
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../contrib/python"))
import stenopool_engine as steno  # noqa: E402


class Good(steno.Engine):
    name, model = "good", "none"
    partials = steno.OWN

    def audio(self, samples):
        pass

    def partial(self):
        return "part"

    def end(self):
        return "good words"


class GoodMany(steno.BatchEngine):
    name, model, rows = "good", "none", 4
    partials = steno.OWN

    def decode(self, jobs):
        return ["good words"] * len(jobs)


what = sys.argv[1]
many = what.startswith("row-")
traits = GoodMany() if many else Good()


def first():
    try:
        os.close(os.open(sys.argv[2], os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False


if len(sys.argv) > 2 and not first():
    if what == "instance-traits":
        traits.partials = steno.NONE
    steno.serve_batch(traits) if many else steno.serve(traits)

sock = socket.socket(fileno=3)
hello = steno.encode_hello(traits, steno.BATCH if many else steno.PROCESS, 4 if many else 0)
ready = steno.encode(steno.READY)


def forever():
    while True:
        time.sleep(3600)


def sent(packet):
    try:
        sock.send(packet)
    except OSError:
        sys.exit(0)


def changed(packet, at, form, value):
    b = bytearray(packet)
    struct.pack_into("<" + form, b, at, value)
    return bytes(b)


def heard():
    packet = sock.recv(65536)
    if not packet:
        sys.exit(0)
    return steno.decode(packet)


def until(kind):
    """The row and the epoch of the next message of that kind; rows are made ready meanwhile."""
    while True:
        got, row, epoch, _ = heard()
        if got == steno.RESET:
            sent(steno.encode(steno.READY, row))
        if got == kind:
            return row, epoch


# At the start.
if what == "silent":
    forever()
if what == "exits":
    sys.exit("no such model")
if what == "closes":
    sock.close()
    forever()
if what == "version":
    sent(changed(hello, 16, "I", 7))
    forever()
if what == "old-hello":
    sent(steno.encode(steno.HELLO, 0, 0, struct.pack("<I", 1)))
    forever()
if what == "half":
    sent(hello[:50])
    forever()
if what == "garbage":
    sent(b"GET / HTTP/1.1\r\n\r\n")
    forever()
if what == "traits":
    sent(changed(hello, 40, "H", 9))
    forever()
if what == "fork":
    sent(changed(hello, 54, "H", 1))
    forever()
if what == "ready-first":
    sent(ready)
    forever()
if what == "crashes":
    os.abort()
if what == "no-rows":
    sent(changed(changed(hello, 54, "H", 4), 60, "H", 0))
    forever()

# Of a program that is many.
if what == "row-none":
    sent(hello)
    until(steno.BEGIN)
    sent(steno.encode(steno.READY, 4))
    forever()
if what == "row-beyond":
    sent(hello)
    until(steno.BEGIN)
    sent(steno.encode(steno.READY, 999))
    forever()
if what == "row-hello":
    sent(hello)
    until(steno.BEGIN)
    sent(hello)
    forever()
if what == "row-garbage":
    sent(hello)
    until(steno.BEGIN)
    sent(b"what?")
    forever()
if what == "row-keeps":  # a row that it was to give up
    sent(hello)
    row, epoch = until(steno.BEGIN)
    until(steno.END)
    sent(steno.encode_result(steno.FINAL, row, epoch, 0, "kept words"))
    until(steno.ABORT)
    while heard():
        pass
if what == "row-flood":
    sent(hello)
    row, epoch = until(steno.BEGIN)
    while True:
        sent(steno.encode(steno.PROGRESS, row, epoch, struct.pack("<QIQ", 0, 1, 1)))

# Of an instance: the first is good enough to be loaded.
if what == "slow":
    sent(hello)
    forever()
sent(hello)
if what == "hello-twice":
    sent(hello)
    forever()
if what == "instance-traits":
    sent(ready)  # the one that was loaded; the next ones are not what it is
    while True:
        row, epoch = until(steno.END)
        sent(steno.encode_result(steno.FINAL, row, epoch, 0, "good words"))
if what == "ready-twice":
    sent(ready)
    time.sleep(0)
    sent(ready)
    forever()
sent(ready)
if what == "flood-idle":
    while True:
        sent(steno.encode(steno.PROGRESS, 0, 0, struct.pack("<QIQ", 0, 1, 1)))
row, epoch = until(steno.BEGIN)
if what == "never":
    while heard():
        pass
if what == "wrong-row":
    sent(steno.encode(steno.PROGRESS, 5, epoch, struct.pack("<QIQ", 0, 1, 1)))
    forever()
if what == "flood-progress":
    for i in range(10**9):
        sent(steno.encode(steno.PROGRESS, 0, epoch, struct.pack("<QIQ", 0, 1, i)))
if what == "flood-partials":
    while True:
        sent(steno.encode_result(steno.PARTIAL, 0, epoch, 0, "x" * 10000))
if what == "final-unasked":
    sent(steno.encode_result(steno.FINAL, 0, epoch, 0, "too early"))
    forever()
if what == "begin":
    sent(steno.encode(steno.BEGIN, 0, epoch, bytes(34)))
    forever()
if what == "dies":
    os.kill(os.getpid(), 9)
if what == "huge":
    text = b"x" * 20000
    until(steno.END)
    sent(steno.encode(steno.FINAL, 0, epoch, struct.pack("<QI", 0, len(text)) + text + bytes(22)))
    forever()
if what == "too-large":
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    sent(bytes(100000))
    forever()
if what == "empty":
    until(steno.END)
    sent(b"")
    forever()
if what == "writes":  # and never ends a line
    while True:
        os.write(2, b"n" * 65536)
if what == "half-final":
    until(steno.END)
    sent(steno.encode_result(steno.FINAL, 0, epoch, 0, "words")[:40])
    forever()
sys.exit(f"wrong.py knows no {what}")
