#!/usr/bin/env python3
"""The library against a server that is this test: python3 test_stenopool_engine.py"""
import os
import re
import socket
import struct
import threading
import unittest

import stenopool_engine as steno
from stenopool_engine import (ABORT, AUDIO, BEGIN, CANCEL, CANCELLED, EAGER_FINAL, EAGER_REQUEST, END, FAILED, FINAL, HELLO, PARTIAL,
                              PARTIAL_REQUEST, PROGRESS, READY, RESET)

DOC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/instance-protocol.md")
BLOCK = b"\1\0" * steno.BLOCK_SAMPLES


def examples():
    """[(who, name, bytes)] of the documented session."""
    found = []
    with open(DOC, encoding="utf-8") as f:
        for line in f:
            head = re.match(r"    (program|server): (\w+), \d+ bytes$", line)
            more = re.match(r"    [0-9a-f]{4}  ((?:[0-9a-f]{2} ?)+)$", line)
            if head:
                found.append([head[1], head[2], b""])
            elif more:
                found[-1][2] += bytes.fromhex(more[1])
    return found


def text(s):
    return struct.pack("<I", len(s)) + s.encode()


def begin_fields(adaptation=b"", language=""):
    return struct.pack("<QI", 9, len(adaptation)) + adaptation + struct.pack("<IH", 8000, 0) + text(language) + text("") * 3


def fields_of(kind, r):
    """What is in an answer, as far as tests ask."""
    if kind in (PARTIAL, FINAL, EAGER_FINAL):
        utterance, said, confidence = *r.numbers("Q"), r.text(), *r.numbers("H")
        words = [(r.text(), *r.numbers("IIH")) for _ in range(*r.numbers("H"))]
        found = {"utterance": utterance, "text": said, "confidence": confidence, "words": words, "language": r.text()}
        if kind != PARTIAL:
            found["adaptation"] = bytes(r.blob())
            r.numbers("3I")
        if kind == EAGER_FINAL:
            found["samples"], _ = r.numbers("QI")
    elif kind == PROGRESS:
        found = dict(zip(("samples", "rss", "signs"), r.numbers("QIQ")))
    elif kind == FAILED:
        found = {"code": r.numbers("I")[0], "text": r.text()}
    else:
        found = {}
    if kind != HELLO:
        assert r.at == len(r.packet), f"{len(r.packet) - r.at} bytes left over in {kind}"
    return found


class Server:
    """The other side of a served engine."""

    def __init__(self, serve, engine):
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(20)
        self.status = []
        self.thread = threading.Thread(target=lambda: (self.status.append(serve(engine, theirs)), theirs.close()), daemon=True)
        self.thread.start()

    def say(self, kind, epoch=7, fields=b"", row=0):
        self.sock.send(steno.encode(kind, row, epoch, fields))

    def begin(self, epoch=7, row=0, **more):
        self.say(BEGIN, epoch, begin_fields(**more), row)

    def audio(self, samples, epoch=7, row=0):
        self.say(AUDIO, epoch, struct.pack("<I", len(samples) // 2) + samples, row)

    def hear(self):
        """(kind, row, epoch, fields) of the next that is no PROGRESS; those are kept."""
        while True:
            packet = self.sock.recv(65536)
            if not packet:
                raise EOFError
            kind, row, epoch, reader = steno.decode(packet)
            found = fields_of(kind, reader)
            if kind != PROGRESS:
                return kind, row, epoch, found
            self.progress = found

    def expect(self, kind, epoch=7, row=0):
        got = self.hear()
        assert got[:3] == (kind, row, epoch), f"{got} instead of {kind} of {epoch} in row {row}"
        return got[3]

    def hello(self, ready=True):
        self.expect(HELLO, 0)
        if ready:
            self.expect(READY, 0)
        return self

    def end(self):
        self.sock.close()
        self.thread.join(20)
        assert not self.thread.is_alive()
        return self.status[0]


class Counter(steno.Engine):
    """Tells the sizes of what it was given. `steps` are run at the places they name."""
    decoding, partials, eager = steno.AS_IT_COMES, steno.OWN, steno.EAGER_ANEW

    def __init__(self, **steps):
        self.steps, self.resets, self.aborts = steps, 0, 0

    def at(self, place):
        return self.steps[place](self) if place in self.steps else None

    def begin(self, wishes):
        self.wishes, self.sizes = wishes, []
        self.at("begin")

    def audio(self, samples):
        self.sizes.append(len(samples) // 2)
        self.at("audio")

    def tell(self):
        return " ".join(map(str, self.sizes))

    def partial(self):
        return self.at("partial") or self.tell()

    def final_now(self):
        return self.at("eager") or self.tell()

    def end(self):
        return self.at("end") or steno.Result(self.tell(), 1, [steno.Word("w", 5, 9, 0.5)], self.wishes.language, self.wishes.adaptation + b"+")

    def abort(self):
        self.aborts += 1

    def reset(self):
        self.resets += 1


class Whole(Counter):
    decoding, partials = steno.WHOLE, steno.ANEW


class Gate:
    """A place where an engine waits for the test."""

    def __init__(self):
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self, engine=None):
        self.reached.set()
        assert self.opened.wait(20)


class Wire(unittest.TestCase):
    def test_documented_session(self):
        steps = examples()
        self.assertEqual([name for _, name, _ in steps], "HELLO READY BEGIN AUDIO PROGRESS PARTIAL_REQUEST PARTIAL END FINAL RESET READY".split())
        by_name = {name: packet for _, name, packet in steps}
        rss, steno.rss_kb = steno.rss_kb, lambda: 13004
        try:
            word = steno.Word("bold", 0, 200)
            final = steno.encode_result(FINAL, 0, 7, 3, steno.Result("bold", 1.0, [word]), 1500, 12)
        finally:
            steno.rss_kb = rss
        self.assertEqual(final, by_name["FINAL"])
        self.assertEqual(steno.encode_result(PARTIAL, 0, 7, 3, steno.Result("bo", 0.5)), by_name["PARTIAL"])
        self.assertEqual(steno.encode(READY), by_name["READY"])
        kind, row, epoch, reader = steno.decode(by_name["BEGIN"])
        utterance, wishes = steno.decode_begin(reader)
        self.assertEqual((kind, row, epoch, utterance), (BEGIN, 0, 7, 3))
        self.assertEqual(wishes, steno.Wishes(rate_hz=8000, language="en"))
        hello = steno.encode_hello(type("T", (steno.Traits,), {"name": "loudness", "model": "ten words"}), steno.PROCESS)
        self.assertEqual(len(hello), len(by_name["HELLO"]))
        self.assertEqual(hello[:20], by_name["HELLO"][:20])

    def test_what_is_too_long_is_cut(self):
        r = steno.Result("é" * 20000, 7, [steno.Word("x" * 30, 9, 3)] * 3000, "a language of its own")
        packet = steno.encode_result(FINAL, 0, 1, 1, r)
        found = fields_of(FINAL, steno.decode(packet)[3])
        self.assertEqual(len(found["text"].encode()), 16384)
        self.assertLessEqual(len(packet), steno.PACKET_MAX)
        self.assertEqual(found["words"][0], ("x" * 30, 9, 9, 0))
        self.assertEqual(found["language"], "")
        self.assertEqual(found["confidence"], 10000)

    def test_a_short_message_is_refused(self):
        for packet in (b"", b"abc", steno.encode(READY)[:10], steno.encode(READY) + b"x"):
            with self.assertRaises(steno.ProtocolError):
                steno.decode(packet)


class OneAtATime(unittest.TestCase):
    def serve(self, engine):
        return Server(steno.serve, engine).hello()

    def test_an_utterance(self):
        s = self.serve(Counter())
        s.begin(adaptation=b"blob", language="de")
        s.audio(BLOCK + BLOCK[:200])
        s.say(END)
        found = s.expect(FINAL)
        self.assertEqual(found, {"utterance": 9, "text": "1600 100", "confidence": 10000, "words": [("w", 5, 9, 5000)], "language": "de",
                                 "adaptation": b"blob+"})
        self.assertEqual(s.progress["samples"], 1700)
        self.assertEqual(s.end(), 0)

    def test_how_audio_is_cut_does_not_matter(self):
        for chunk in (2, 700, 3200, 8000):
            s = self.serve(Counter())
            s.begin()
            for at in range(0, 8000, chunk):
                s.audio((BLOCK * 3)[at:at + chunk][:8000 - at])
            s.say(END)
            self.assertEqual(s.expect(FINAL)["text"], "1600 1600 800", chunk)
            s.end()

    def test_a_partial_is_of_all_that_was_sent_before(self):
        s = self.serve(Counter())
        s.begin()
        s.audio(BLOCK * 2)
        s.say(PARTIAL_REQUEST)
        self.assertEqual(s.expect(PARTIAL)["text"], "1600 1600")
        s.end()

    def test_reset_comes_between_clients(self):
        engine = Counter()
        s = self.serve(engine)
        s.begin()
        s.say(END)
        s.expect(FINAL)
        s.say(RESET, 0)
        s.expect(READY, 0)
        s.begin(8)
        s.say(END, 8)
        s.expect(FINAL, 8)
        self.assertEqual((engine.resets, s.end()), (1, 0))

    def test_an_error_fails_the_utterance_and_not_the_next(self):
        def once(engine):
            engine.steps.clear()
            raise ValueError("no such word")
        for place in ("begin", "audio", "partial", "end"):
            s = self.serve(Counter(**{place: once}))
            s.begin()
            s.audio(BLOCK)
            if place == "end":
                s.say(END)
            else:
                s.say(PARTIAL_REQUEST)
            self.assertEqual(s.expect(FAILED), {"code": 7, "text": "ValueError: no such word"}, place)
            if place != "end":
                s.say(END)  # of which it is deaf
            s.begin(8)
            s.say(END, 8)
            s.expect(FINAL, 8)
            s.end()

    def test_no_text_is_an_error(self):
        s = self.serve(Counter(end=lambda engine: 0))
        s.begin()
        s.say(END)
        s.expect(FINAL)  # 0 is nothing: what it tells otherwise
        s.end()

        class Mute(Counter):
            def end(self):
                return None
        s = self.serve(Mute())
        s.begin()
        s.say(END)
        self.assertIn("no text", s.expect(FAILED)["text"])
        s.end()

    def test_an_abort_is_told_to_the_engine_before_anything_else(self):
        engine = Counter(begin=lambda engine: seen.append(engine.aborts))
        seen = []
        s = self.serve(engine)
        for epoch in (7, 8, 9):
            s.begin(epoch)
            s.audio(BLOCK, epoch)
            s.say(ABORT if epoch < 9 else END, epoch)
        s.expect(FINAL, 9)
        self.assertEqual(seen, [0, 1, 2])
        s.end()
        self.assertEqual(engine.aborts, 2)

    def test_an_abort_while_it_computes(self):
        gate, seen = Gate(), []
        engine = Counter(end=lambda engine: (gate(), seen.append(engine.progress()), seen.append(engine.aborts), None)[3])
        s = self.serve(engine)
        s.begin()
        s.audio(BLOCK)
        s.say(END)
        gate.reached.wait(20)
        s.say(ABORT)
        s.begin(8)
        gate.opened.set()
        s.say(END, 8)
        s.expect(FINAL, 8)
        self.assertEqual(seen[:2], [False, 0])
        s.end()
        self.assertEqual(engine.aborts, 1)

    def test_a_partial_is_broken_off_by_cancel_and_by_the_end(self):
        for kind, answer in ((CANCEL, CANCELLED), (END, FINAL)):
            gate, seen = Gate(), []

            def partial(engine):
                gate()
                seen.append(engine.progress())
                raise steno.Cancelled
            s = self.serve(Counter(partial=partial))
            s.begin()
            s.audio(BLOCK)
            s.say(PARTIAL_REQUEST)
            gate.reached.wait(20)
            s.say(kind)
            gate.opened.set()
            s.expect(answer)
            self.assertEqual(seen, [False])
            s.end()

    def test_cancel_is_harmless_when_nothing_is_to_be_cancelled(self):
        s = self.serve(Counter())
        s.say(CANCEL, 5)
        s.begin()
        s.say(CANCEL)
        s.say(END)
        s.say(CANCEL)
        s.expect(FINAL)
        s.say(CANCEL)
        s.say(ABORT)
        self.assertEqual(s.end(), 0)

    def test_an_eager_final_and_the_utterance_goes_on(self):
        s = self.serve(Whole())
        s.begin()
        s.audio(BLOCK)
        s.say(EAGER_REQUEST)
        found = s.expect(EAGER_FINAL)
        self.assertEqual((found["text"], found["samples"]), ("1600", 1600))
        s.audio(BLOCK[:20])
        s.say(END)
        self.assertEqual(s.expect(FINAL)["text"], "1600 10")
        s.end()

    def test_an_eager_final_stands_for_a_partial_that_is_decoded_anew(self):
        for kind, want in ((Whole, [EAGER_FINAL]), (Counter, [PARTIAL, EAGER_FINAL])):
            gate = Gate()
            s = self.serve(kind(begin=gate))
            s.begin()
            gate.reached.wait(20)
            s.audio(BLOCK)
            s.say(PARTIAL_REQUEST)
            s.say(EAGER_REQUEST)
            gate.opened.set()
            for each in want:
                s.expect(each)
            s.say(END)
            s.expect(FINAL)
            s.end()

    def test_signs_of_life_while_it_computes(self):
        def slowly(engine):
            for _ in range(3):
                engine._server.line.told = 0
                assert engine.progress()
        s = self.serve(Counter(end=slowly))
        s.begin()
        s.say(END)
        s.expect(FINAL)
        self.assertEqual(s.progress["signs"], 6)
        s.end()

    def test_a_server_that_breaks_the_protocol(self):
        for wrong in (lambda s: s.say(END), lambda s: (s.begin(), s.audio(BLOCK, 8)), lambda s: (s.begin(), s.begin(8)), lambda s: s.begin(0),
                      lambda s: s.say(RESET, 0, row=1), lambda s: s.sock.send(b"nonsense"), lambda s: s.say(99)):
            s = self.serve(Counter())
            wrong(s)
            s.thread.join(20)
            self.assertEqual(s.status, [1])
            s.end()


class Many(steno.BatchEngine):
    rows, partials = 3, steno.ANEW

    def __init__(self, decode=None):
        self.batches, self.resets, self.step = [], [], decode

    def decode(self, jobs):
        self.batches.append([(j.row, j.kind) for j in jobs])
        if self.step:
            self.step()
        return [ValueError("odd") if len(j.audio) == 6 else f"{j.row}: {len(j.audio) // 2}" for j in jobs]

    def reset(self, row):
        self.resets.append(row)


class ManyAtOnce(unittest.TestCase):
    def serve(self, engine, rows=(1, 2, 3)):
        s = Server(steno.serve_batch, engine).hello(ready=False)
        for row in rows:
            s.say(RESET, 0, row=row)
            s.expect(READY, 0, row)
        return s

    def utterance(self, s, row, epoch, samples=1600):
        s.begin(epoch, row)
        s.audio(b"\0\0" * samples, epoch, row)
        s.say(END, epoch, row=row)

    def test_what_is_due_while_it_decodes_is_decoded_together(self):
        gate = Gate()
        engine = Many(gate)
        s = self.serve(engine)
        self.utterance(s, 2, 20)
        gate.reached.wait(20)
        self.utterance(s, 1, 10)
        s.begin(30, 3)
        s.audio(BLOCK, 30, 3)
        s.say(PARTIAL_REQUEST, 30, row=3)
        while s.sock.recv(65536)[2] != 3:
            pass  # that it took the audio of row 3, which came last
        gate.opened.set()
        self.assertEqual(s.expect(FINAL, 20, 2)["text"], "2: 1600")
        answers = {s.hear()[:3] for _ in range(2)}
        self.assertEqual(answers, {(FINAL, 1, 10), (PARTIAL, 3, 30)})
        self.assertEqual(engine.batches, [[(2, FINAL)], [(1, FINAL), (3, PARTIAL)]])
        self.assertEqual((engine.resets, s.end()), ([1, 2, 3], 0))

    def test_a_row_in_work_is_given_up_when_the_work_is_over(self):
        gate = Gate()
        s = self.serve(Many(gate))
        self.utterance(s, 1, 10)
        gate.reached.wait(20)
        s.say(ABORT, 10, row=1)
        s.say(RESET, 0, row=1)
        s.say(RESET, 0, row=2)
        s.expect(READY, 0, 2)  # and not row 1, whose work may never end
        gate.opened.set()
        s.expect(READY, 0, 1)
        self.utterance(s, 1, 11)
        s.expect(FINAL, 11, 1)
        s.end()

    def test_a_late_answer_does_not_reach_the_next_utterance(self):
        gate = Gate()
        s = self.serve(Many(gate))
        self.utterance(s, 1, 10)
        gate.reached.wait(20)
        s.say(ABORT, 10, row=1)
        self.utterance(s, 1, 11, 800)
        gate.opened.set()
        self.assertEqual(s.expect(FINAL, 11, 1)["text"], "1: 800")
        s.end()

    def test_cancel_of_what_runs_and_of_what_waits(self):
        gate = Gate()
        s = self.serve(Many(gate))
        for row in (1, 2):
            s.begin(10 * row, row)
        s.say(PARTIAL_REQUEST, 10, row=1)
        gate.reached.wait(20)
        s.say(PARTIAL_REQUEST, 20, row=2)
        s.say(CANCEL, 20, row=2)
        s.expect(CANCELLED, 20, 2)
        s.say(CANCEL, 10, row=1)
        s.say(RESET, 0, row=3)
        s.expect(READY, 0, 3)
        gate.opened.set()
        s.expect(CANCELLED, 10, 1)
        s.end()

    def test_one_that_fails_is_not_the_others(self):
        gate = Gate()
        s = self.serve(Many(gate))
        self.utterance(s, 3, 30)
        gate.reached.wait(20)
        self.utterance(s, 1, 10, 3)
        self.utterance(s, 2, 20)
        gate.opened.set()
        got = {s.hear()[:3] for _ in range(3)}
        self.assertEqual(got, {(FINAL, 3, 30), (FAILED, 1, 10), (FINAL, 2, 20)})
        s.end()

    def test_an_engine_that_raises_fails_all_it_was_given(self):
        def step():
            raise RuntimeError("out of memory")
        s = self.serve(Many(step))
        self.utterance(s, 1, 10)
        self.assertEqual(s.expect(FAILED, 10, 1)["text"], "RuntimeError: out of memory")
        s.end()

    def test_a_row_that_there_is_not(self):
        for row in (0, 4, 65535):
            s = self.serve(Many())
            s.say(RESET, 0, row=row)
            s.thread.join(20)
            self.assertEqual(s.status, [1])
            s.end()


if __name__ == "__main__":
    unittest.main()
