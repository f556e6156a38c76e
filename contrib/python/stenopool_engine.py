"""A recogniser in Python as an engine of Stenopool (engine = exec). Standard library only, Python 3.9 or later.

A class that hears one client at a time; the server starts as many processes of it as it needs:

    import stenopool_engine as steno

    class Mine(steno.Engine):
        def begin(self, wishes): self.heard = bytearray()
        def audio(self, samples): self.heard += samples      # s16le, 16 kHz, mono
        def end(self): return recognise(self.heard)          # a text, or a Result

    steno.serve(Mine())

Or one that hears many at once in one process, and is given all that is to be decoded together:

    class Many(steno.BatchEngine):
        rows = 8
        def decode(self, jobs): return [recognise(job.audio) for job in jobs]

    steno.serve_batch(Many())

What is said on the wire is in docs/instance-protocol.md. What stdout and stderr get is in the server's log."""
import os
import queue
import resource
import socket
import stat
import struct
import sys
import threading
import time
from dataclasses import dataclass, field

VERSION = 9
RATE_HZ = 16000
BLOCK_SAMPLES = 1600  # what an engine that hears as the audio comes is given at once
PACKET_MAX = 64 * 1024
TEXT_MAX = 16 * 1024
WORDS_MAX = 1024
BLOB_MAX = 4096
LANGUAGE_MAX = 15
SIGN_EVERY_S = 0.1

# Traits, as HELLO has them.
AS_IT_COMES, WHOLE = 0, 1  # decoding
NONE, OWN, ANEW = 0, 1, 2  # partials
EAGER_NONE, EAGER_ANEW = 0, 1
THREADS_NONE, THREADS_AT_LOAD, THREADS_AT_DECODE = 0, 1, 2
WORD_TIMES, CONFIDENCES, TELLS_LANGUAGE, ADAPTATION, PUNCTUATION, GROWING = 1, 2, 4, 8, 16, 32  # tells
LANGUAGE, PROMPT, TRANSLATE, FOLDED, HOT_WORDS, PHRASES = 1, 2, 4, 8, 16, 32  # takes
PROCESS, BATCH = 2, 4  # isolation

(HELLO, HOST_FAILED, SPAWNED, SPAWN_FAILED, EXITED, SPAWN, BEGIN, AUDIO, PARTIAL_REQUEST, END, ABORT, RESET, READY, PROGRESS, PARTIAL,
 FINAL, FAILED, PING, PONG, CANCEL, CANCELLED, EAGER_REQUEST, EAGER_FINAL) = range(1, 24)
NAMES = {BEGIN: "BEGIN", AUDIO: "AUDIO", PARTIAL_REQUEST: "PARTIAL_REQUEST", END: "END", ABORT: "ABORT", RESET: "RESET",
         CANCEL: "CANCEL", EAGER_REQUEST: "EAGER_REQUEST"}
ERROR_ENGINE = 7  # the only code of FAILED that an engine needs

_HEAD = struct.Struct("<HHIQ")
_started = time.monotonic()


class ProtocolError(Exception):
    """The server said what it may not say, or an engine what cannot be told."""


class Cancelled(Exception):
    """An engine may raise it when progress() is False; any other exception does as well."""


@dataclass
class Word:
    text: str
    start_ms: int  # from the utterance's first sample
    end_ms: int
    confidence: float = 0.0


@dataclass
class Result:
    text: str
    confidence: float = 0.0  # 0..1
    words: list = field(default_factory=list)
    language: str = ""  # that was heard: "en"; "" is not known
    adaptation: bytes = b""  # finals only; what begin() gets in the client's next utterance


@dataclass
class Wishes:
    """What begin() is told. Texts are "" where nothing is wished."""
    adaptation: bytes = b""
    rate_hz: int = 0  # what it was recorded at before it became 16 kHz; 0 is not known
    translate: bool = False
    language: str = ""  # "de"; "auto" is to be found out
    prompt: str = ""
    hot_words: str = ""
    phrases: str = ""


class Traits:
    """What kind of engine it is; docs/instance-protocol.md says what the server does with it."""
    name = "python"
    model = ""
    decoding = WHOLE
    partials = NONE
    eager = EAGER_NONE
    threads = THREADS_NONE
    decode_threads = 1
    tells = 0
    takes = 0
    quiet_factor = 1  # a decode may take so many times its audio without a sign of progress


class Engine(Traits):
    """Hears one utterance after another. begin, audio any number of times, partial any number of times, end."""

    def begin(self, wishes):
        """The next utterance begins."""

    def audio(self, samples):
        """Some of it: bytes, s16le, 16 kHz, mono. WHOLE: as it comes. AS_IT_COMES: blocks of 100 ms, the last one shorter."""
        raise NotImplementedError

    def partial(self):
        """What is known of it by now: a str or a Result. Must not change what comes of it in the end."""
        raise NotImplementedError

    def end(self):
        """What was said: a str or a Result."""
        raise NotImplementedError

    def final_now(self):
        """What end() would return now; the utterance goes on. For eager = EAGER_ANEW."""
        raise NotImplementedError

    def abort(self):
        """The utterance is not wanted any more and will have no end: whatever goes on for it may stop. Comes when no other call is under
        way, and also where begin or audio have failed."""

    def reset(self):
        """The next utterance is another client's: forget what was learnt of this one."""

    # What computes for long calls it now and then, from partial(), end() or audio(): it shows the server that it is alive. False:
    # nobody wants what is computed; raise Cancelled, or return anything.
    def progress(self):
        return self._server.show_alive() if hasattr(self, "_server") else True


class BatchEngine(Traits):
    """Hears many at once. The library keeps their audio."""
    rows = 4  # at once
    max_batch = 0  # jobs given to decode together; 0 is all that are due
    gather_s = 0.0  # how long others are waited for when one is due

    def decode(self, jobs):
        """A list of a str or Result or Exception for each job, in order. Called in a thread of its own, once at a time."""
        raise NotImplementedError

    def reset(self, row):
        """That row's next utterance is another client's."""


@dataclass
class Job:
    row: int
    kind: int  # FINAL, PARTIAL or EAGER_FINAL
    audio: bytes  # all of the utterance so far
    wishes: Wishes
    utterance: int


def params():
    """The pool's param.NAME, by their names in lower case."""
    prefix = "STENOPOOL_PARAM_"
    return {k[len(prefix):].lower(): v for k, v in os.environ.items() if k.startswith(prefix)}


# ---- the wire ----

def encode(kind, row=0, epoch=0, fields=b""):
    packet = _HEAD.pack(kind, row, _HEAD.size + len(fields), epoch) + fields
    if len(packet) > PACKET_MAX:
        raise ProtocolError(f"a message of {len(packet)} bytes; at most {PACKET_MAX}")
    return packet


def _text(s, most=TEXT_MAX):
    b = s.replace("\0", "").encode("utf-8", "replace")
    if len(b) > most:
        b = b[:most].decode("utf-8", "ignore").encode()
    return struct.pack("<I", len(b)) + b


def _confidence(c):
    return round(10000 * min(max(float(c), 0.0), 1.0))


def encode_hello(traits, isolation, rows=0):
    t = traits
    fields = struct.pack("<6I11H", VERSION, os.getpid(), int(1000 * (time.monotonic() - _started)), 0, rss_kb(), 0, t.decoding, t.partials,
                         t.eager, t.threads, t.decode_threads, t.tells, t.takes, isolation, 0, t.quiet_factor, rows)
    return encode(HELLO, 0, 0, fields + _text(t.name) + _text(t.model))


def _words(words):
    out, room = [], PACKET_MAX // 2
    for w in words[:WORDS_MAX]:
        b = _text(w.text) + struct.pack("<IIH", max(0, int(w.start_ms)), max(0, int(w.start_ms), int(w.end_ms)), _confidence(w.confidence))
        room -= len(b)
        if room < 0:
            break
        out.append(b)
    return struct.pack("<H", len(out)) + b"".join(out)


def encode_result(kind, row, epoch, utterance, result, cpu_us=0, faults=0, samples=0, eager_cpu_us=0):
    r = Result(result) if isinstance(result, str) else result
    language = _text(r.language)
    fields = struct.pack("<Q", utterance) + _text(r.text) + struct.pack("<H", _confidence(r.confidence)) + _words(r.words)
    fields += language if len(language) <= 4 + LANGUAGE_MAX else _text("")
    if kind != PARTIAL:
        if len(r.adaptation) > BLOB_MAX:
            raise ProtocolError(f"an adaptation of {len(r.adaptation)} bytes; at most {BLOB_MAX}")
        fields += struct.pack("<I", len(r.adaptation)) + bytes(r.adaptation)
        fields += struct.pack("<3I", cpu_us & 0xffffffff, faults & 0xffffffff, rss_kb())
    if kind == EAGER_FINAL:
        fields += struct.pack("<QI", samples, eager_cpu_us & 0xffffffff)
    return encode(kind, row, epoch, fields)


def encode_failed(row, epoch, text):
    return encode(FAILED, row, epoch, struct.pack("<I", ERROR_ENGINE) + _text(text, 255))


class Reader:
    def __init__(self, packet, at=0):
        self.packet, self.at = packet, at

    def take(self, n):
        if self.at + n > len(self.packet):
            raise ProtocolError("a message that is too short")
        self.at += n
        return self.packet[self.at - n:self.at]

    def numbers(self, form):
        form = struct.Struct("<" + form)
        return form.unpack(self.take(form.size))

    def blob(self):
        return self.take(self.numbers("I")[0])

    def text(self):
        return self.blob().decode("utf-8", "replace")


def decode(packet):
    """(kind, row, epoch, a Reader of what follows)"""
    if len(packet) < _HEAD.size:
        raise ProtocolError(f"a message of {len(packet)} bytes")
    kind, row, size, epoch = _HEAD.unpack_from(packet)
    if size != len(packet):
        raise ProtocolError(f"a message of {len(packet)} bytes that says it has {size}")
    return kind, row, epoch, Reader(packet, _HEAD.size)


def decode_begin(r):
    """(utterance, Wishes)"""
    (utterance,) = r.numbers("Q")
    adaptation = bytes(r.blob())
    rate_hz, translate = r.numbers("IH")
    return utterance, Wishes(adaptation, rate_hz, bool(translate), r.text(), r.text(), r.text(), r.text())


_statm = None


def rss_kb():
    global _statm
    try:
        if _statm is None:
            _statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        return int(os.pread(_statm, 128, 0).split()[1]) * (resource.getpagesize() // 1024)
    except (OSError, IndexError):
        return 0


# ---- states, of one client's hearing ----

IDLE, HEARING, ENDING, DEAF = "idle", "hearing", "ending", "deaf"
_NEXT = {
    IDLE: {BEGIN: HEARING, CANCEL: IDLE, ABORT: IDLE, RESET: IDLE},
    HEARING: {AUDIO: HEARING, PARTIAL_REQUEST: HEARING, EAGER_REQUEST: HEARING, CANCEL: HEARING, END: ENDING, ABORT: IDLE},
    ENDING: {CANCEL: ENDING, ABORT: IDLE},
    DEAF: {BEGIN: HEARING, AUDIO: DEAF, PARTIAL_REQUEST: DEAF, EAGER_REQUEST: DEAF, CANCEL: DEAF, END: DEAF, ABORT: IDLE, RESET: IDLE},
}


class Row:
    """What is known of one: its state, its utterance, what was asked for."""

    def __init__(self, number):
        self.number = number
        self.state = IDLE
        self.epoch = self.utterance = self.samples = 0
        self.wishes = Wishes()
        self.audio = bytearray()  # read; in Engine not given to it yet, in BatchEngine all of it
        self.wants = set()  # PARTIAL, EAGER_FINAL
        self.runs = None  # what is computed for it: PARTIAL, EAGER_FINAL, FINAL
        self.runs_epoch = 0  # ... and for which utterance
        self.cancelled = False  # ... and is not wanted
        self.resets = 0  # to be answered when what runs is over
        self.cpu, self.faults = 0.0, 0

    def hear(self, kind, epoch):
        """Checks that it may come now, and steps. False: it means an utterance that is over."""
        to = _NEXT[self.state].get(kind)
        fits = kind == RESET or (epoch != 0 if kind == BEGIN else epoch == self.epoch or (kind in (ABORT, CANCEL) and self.state == IDLE))
        if to is None or not fits:
            raise ProtocolError(f"{NAMES.get(kind, kind)} of epoch {epoch} while {self.state} in epoch {self.epoch}")
        self.state = to

    def begin(self, epoch, reader):
        self.epoch = epoch
        self.utterance, self.wishes = decode_begin(reader)
        self.samples = 0
        self.audio = bytearray()
        self.wants.clear()
        self.cpu = time.process_time()
        self.faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    def forget(self):
        self.audio = bytearray()
        self.wants.clear()

    def want(self, kind, traits):
        """An eager final stands for a partial that would be decoded anew as well."""
        if kind == EAGER_FINAL and traits.partials == ANEW:
            self.wants.discard(PARTIAL)
        self.wants.add(kind)

    def due(self):
        """What is to be computed next, when all audio has been taken; None: nothing."""
        if self.state == ENDING:
            return FINAL
        if self.state != HEARING or not self.wants:
            return None
        return PARTIAL if PARTIAL in self.wants else EAGER_FINAL

    def start(self, kind):
        self.wants.discard(kind)
        self.runs, self.runs_epoch, self.cancelled = kind, self.epoch, False
        self.cpu_at_start = time.process_time()

    def guesses(self):
        """Whether what runs is a partial or an eager final of this utterance."""
        return self.runs in (PARTIAL, EAGER_FINAL) and self.runs_epoch == self.epoch

    def result(self, kind, result):
        """The message that tells it."""
        cpu_us, faults = self.used()
        own_us = int(1e6 * (time.process_time() - self.cpu_at_start))
        return encode_result(kind, self.number, self.epoch, self.utterance, result, cpu_us, faults, self.samples, min(own_us, cpu_us))

    def used(self):
        return int(1e6 * (time.process_time() - self.cpu)), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - self.faults


class _Line:
    """The socket to the server, or to the host that stands between."""

    def __init__(self, sock):
        self.sock = sock
        self.lock = threading.Lock()
        self.signs = 0
        self.told = 0.0

    def say(self, packet):
        try:
            with self.lock:
                self.sock.send(packet)
        except (BrokenPipeError, ConnectionResetError):
            raise EOFError from None

    def receive(self, wait):
        """The next packet; None: there is none now."""
        try:
            packet = self.sock.recv(PACKET_MAX + 1, 0 if wait else socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return None
        except ConnectionResetError:
            raise EOFError from None
        if not packet:
            raise EOFError
        return packet

    def progress(self, row):
        self.signs += 1
        self.told = time.monotonic()
        self.say(encode(PROGRESS, row.number, row.epoch, struct.pack("<QIQ", row.samples, rss_kb(), self.signs)))

    def ready(self, row):
        self.say(encode(READY, row.number))

    def cancelled(self, row):
        self.say(encode(CANCELLED, row.number, row.epoch))

    def cancel(self, row):
        """What runs is answered for when it is over."""
        if row.guesses():
            row.cancelled = True
        elif row.state == HEARING and row.wants:
            self.cancelled(row)
        row.wants.clear()


def _sentence(e):
    return f"{type(e).__name__}: {e}" if str(e) else type(e).__name__


class _Server:
    """One engine and one socket, as stenopool's own instances do it."""

    def __init__(self, engine, sock):
        self.engine, self.line, self.row = engine, _Line(sock), Row(0)
        self.calls = 0  # of the engine, under way
        self.aborted = False  # and the engine has not been told
        engine._server = self

    def run(self):
        self.line.say(encode_hello(self.engine, PROCESS))
        self.line.ready(self.row)
        while True:
            while self.hear_one(False):
                pass
            if not self.work():
                self.hear_one(True)

    def hear_one(self, wait):
        packet = self.line.receive(wait)
        if packet is None:
            return False
        kind, number, epoch, reader = decode(packet)
        if number != 0:
            raise ProtocolError(f"a message of row {number}")
        self.row.hear(kind, epoch)
        self.act(kind, epoch, reader)
        return True

    def act(self, kind, epoch, reader):
        row = self.row
        if kind == BEGIN:
            row.begin(epoch, reader)
            self.attempt(lambda: self.engine.begin(row.wishes))
        elif kind == AUDIO and row.state == HEARING:
            row.audio += reader.take(2 * reader.numbers("I")[0])
        elif kind in (PARTIAL_REQUEST, EAGER_REQUEST) and row.state == HEARING:
            row.want(PARTIAL if kind == PARTIAL_REQUEST else EAGER_FINAL, self.engine)
        elif kind == CANCEL:
            self.line.cancel(row)
        elif kind == END:
            row.wants.clear()
        elif kind == ABORT:
            row.forget()
            self.aborted = True
            self.tell_abort()
        elif kind == RESET:
            self.engine.reset()
            self.line.ready(row)

    def tell_abort(self):
        if self.aborted and self.calls == 0:
            self.aborted = False
            self.attempt(self.engine.abort)

    def attempt(self, what):
        """What it returns; None: it failed, which the server has been told if it is of interest."""
        row, epoch = self.row, self.row.epoch
        self.calls += 1
        try:
            return what()
        except (EOFError, ProtocolError):
            raise
        except Exception as e:
            wanted = row.state in (HEARING, ENDING) and row.epoch == epoch and not self.is_unwanted()
            if wanted:
                row.forget()
                row.state = DEAF
                self.line.say(encode_failed(0, epoch, _sentence(e)))
            return None
        finally:
            self.calls -= 1
            self.tell_abort()

    def work(self):
        """The most urgent thing that can be done now. False: nothing can."""
        row = self.row
        if row.state not in (HEARING, ENDING):
            return False
        block = 2 * BLOCK_SAMPLES if self.engine.decoding == AS_IT_COMES else 2
        if len(row.audio) >= block or (row.state == ENDING and row.audio):
            self.give_audio(block)
        elif row.due() is None:
            return False
        else:
            self.answer(row.due())
        return True

    def give_audio(self, block):
        row = self.row
        samples = bytes(row.audio[:block] if block > 2 else row.audio)
        del row.audio[:len(samples)]
        epoch = row.epoch
        self.attempt(lambda: self.engine.audio(samples))
        if row.state in (HEARING, ENDING) and row.epoch == epoch:
            row.samples += len(samples) // 2
            self.line.progress(row)

    def answer(self, kind):
        row = self.row
        row.start(kind)
        result = self.attempt({FINAL: self.engine.end, PARTIAL: self.engine.partial, EAGER_FINAL: self.engine.final_now}[kind])
        unwanted = self.is_unwanted()
        if result is None and not unwanted:
            self.attempt(_no_result)
        row.runs = None
        if row.state != (ENDING if kind == FINAL else HEARING):
            return
        if row.cancelled:
            self.line.cancelled(row)
        elif result is not None:
            if kind == FINAL:
                row.state = IDLE
            self.line.say(row.result(kind, result))

    def is_unwanted(self):
        """Whether what runs is of use to nobody. A partial that is decoded anew stands back for what is decoded in its stead."""
        row = self.row
        if row.state == IDLE or (row.guesses() and (row.cancelled or row.state == ENDING)):
            return True
        return row.runs == PARTIAL and self.engine.partials == ANEW and EAGER_FINAL in row.wants

    def show_alive(self):
        """From inside of the engine. After an ABORT nothing more is read, since what follows is for the engine, which is busy."""
        while self.row.state != IDLE and self.hear_one(False):
            pass
        if self.is_unwanted():
            return False
        self.line.signs += 1
        if time.monotonic() - self.line.told >= SIGN_EVERY_S:
            self.line.progress(self.row)
        return True


def _no_result():
    raise ValueError("the engine returned no text")


class _BatchServer:
    """Many rows and one socket. What is to be decoded is given to a thread, so that rows are heard meanwhile."""

    def __init__(self, engine, sock):
        self.engine, self.line = engine, _Line(sock)
        self.rows = [Row(n) for n in range(1, engine.rows + 1)]
        self.jobs, self.done = queue.Queue(), queue.Queue()
        self.bell, self.ringer = socket.socketpair()
        self.busy = False
        self.due_since = None

    def run(self):
        import select
        threading.Thread(target=self.compute, daemon=True).start()
        self.line.say(encode_hello(self.engine, BATCH, self.engine.rows))
        while True:
            ready = select.select([self.line.sock, self.bell], [], [], self.patience())[0]
            while self.hear_one():
                pass  # first, so that what is not wanted any more is not told
            if self.bell in ready:
                self.bell.recv(64)
                self.take_results()
            self.start_jobs()

    def compute(self):
        while True:
            jobs = self.jobs.get()
            try:
                results = list(self.engine.decode(jobs))
                if len(results) != len(jobs):
                    raise ValueError(f"the engine returned {len(results)} results for {len(jobs)} jobs")
            except Exception as e:
                results = [e] * len(jobs)
            self.done.put(list(zip(jobs, results)))
            self.ringer.send(b"!")

    def hear_one(self):
        packet = self.line.receive(False)
        if packet is None:
            return False
        kind, number, epoch, reader = decode(packet)
        if not 1 <= number <= len(self.rows):
            raise ProtocolError(f"a message of row {number}")
        row = self.rows[number - 1]
        row.hear(kind, epoch)
        self.act(row, kind, epoch, reader)
        return True

    def act(self, row, kind, epoch, reader):
        if kind == BEGIN:
            row.begin(epoch, reader)
        elif kind == AUDIO and row.state == HEARING:
            row.audio += reader.take(2 * reader.numbers("I")[0])
            row.samples = len(row.audio) // 2
            self.line.progress(row)
        elif kind in (PARTIAL_REQUEST, EAGER_REQUEST) and row.state == HEARING:
            row.want(PARTIAL if kind == PARTIAL_REQUEST else EAGER_FINAL, self.engine)
        elif kind == CANCEL:
            self.line.cancel(row)
        elif kind == END:
            row.wants.clear()
        elif kind == ABORT:
            row.forget()
        elif kind == RESET:
            row.resets += 1
            self.answer_resets(row)

    def answer_resets(self, row):
        """Not while the row is in work: who waits for it would not learn that the work never ends."""
        while row.resets > 0 and row.runs is None:
            row.resets -= 1
            self.engine.reset(row.number)
            self.line.ready(row)

    def due(self):
        """Rows to be decoded, the most urgent first."""
        order = (FINAL, EAGER_FINAL, PARTIAL)
        return sorted((r for r in self.rows if r.due() is not None and r.runs is None), key=lambda r: order.index(r.due()))

    def patience(self):
        """How long to wait for others that are due."""
        if self.busy or self.due_since is None:
            return None
        return max(0.0, self.due_since + self.engine.gather_s - time.monotonic())

    def start_jobs(self):
        due = [] if self.busy else self.due()
        if not due:
            self.due_since = None
            return
        if self.due_since is None:
            self.due_since = time.monotonic()
        if self.patience() > 0 and len(due) < (self.engine.max_batch or len(self.rows)):
            return
        self.due_since = None
        self.busy = True
        jobs = []
        for row in due[:self.engine.max_batch or None]:
            row.start(row.due())
            jobs.append(Job(row.number, row.runs, bytes(row.audio), row.wishes, row.utterance))
        self.jobs.put(jobs)

    def take_results(self):
        while not self.done.empty():
            self.busy = False
            for job, result in self.done.get():
                self.answer(self.rows[job.row - 1], job, result)

    def answer(self, row, job, result):
        kind, row.runs = row.runs, None
        wanted = row.epoch == row.runs_epoch and row.state == (ENDING if kind == FINAL else HEARING)
        if wanted and row.cancelled:
            self.line.cancelled(row)
        elif wanted and isinstance(result, (str, Result)):
            if kind == FINAL:
                row.state = IDLE
            row.samples = len(job.audio) // 2
            self.line.say(row.result(kind, result))
            row.samples = len(row.audio) // 2
        elif wanted:
            row.forget()
            row.state = DEAF
            why = _sentence(result) if isinstance(result, Exception) else "the engine returned no text"
            self.line.say(encode_failed(row.number, row.epoch, why))
        self.answer_resets(row)


def _own_socket(fd):
    try:
        if stat.S_ISSOCK(os.fstat(fd).st_mode):
            return socket.socket(fileno=fd)
    except OSError:
        pass
    sys.exit(f"{sys.argv[0]} is an engine of Stenopool, which starts it (engine = exec) with a socket as descriptor {fd}")


def _run(make, engine, sock):
    server = make(engine, sock or _own_socket(3))
    try:
        server.run()
    except EOFError:
        return 0
    except ProtocolError as e:
        print(f"engine {engine.name} ends: {e}", file=sys.stderr)
        return 1


def serve(engine, sock=None):
    """Hears until the server closes the socket; does not return before. Leaves the process unless a socket is given."""
    status = _run(_Server, engine, sock)
    if sock is None:
        sys.exit(status)
    return status


def serve_batch(engine, sock=None):
    """Likewise, with many rows. What is still being computed then is left."""
    status = _run(_BatchServer, engine, sock)
    if sock is None:
        sys.stdout.flush()
        os._exit(status)
    return status
