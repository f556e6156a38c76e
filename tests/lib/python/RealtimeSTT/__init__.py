"""A stand-in for the package of that name: the same class with the same calls, callbacks and threads, and the same residue, but what
is said is read from the samples instead of being recognised.

Each 100 ms (1,600 samples) that are loudest at 1000 + 100 k are the word number k, so a text tells which client's audio it was made of
and how much of it. Measured with realtimestt 1.1.2, and so here:

- what feed_audio() has that fills no chunk of 512 samples waits for the next audio, whosever it is, or for flush_audio_input();
- stop() puts the recording into a queue, from which text() takes the oldest, whosever it is;
- a recording to which nobody calls stop() takes whatever is fed;
- abort() while a final is computed leaves the result in the pipe, and the next text() returns that one instead of its own;
- abort() while it records and nobody is in text() never returns;
- a realtime text that is ready late is told in the recording that is under way then;
- shutdown() prints to standard output; a resource tracker of multiprocessing is a child of the process.

Faults are told by files in the folder that the setting `model` names; whoever meets one takes it away and does it: `hang` (the final never
comes, one process only), `crash` (the process dies), `fail` (text() raises), `stuck` (shutdown() never returns). `slow` stays: each final takes the seconds that stand in it.
"""

import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
from types import SimpleNamespace

WORDS = ['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot', 'golf', 'hotel', 'india', 'juliett', 'kilo', 'lima']
CHUNK_BYTES = 1024
WORD_BYTES = 3200
LOUD = 1000
STEP = 100


def _word(block):
    loudest = max(abs(s) for s in memoryview(block).cast('h')) if len(block) > 1 else 0
    number, rest = divmod(loudest - LOUD, STEP)
    return WORDS[number] if rest == 0 and 0 <= number < len(WORDS) else ''


def _read(audio):
    words = (_word(audio[at:at + WORD_BYTES]) for at in range(0, len(audio) - WORD_BYTES // 2, WORD_BYTES))
    return ' '.join(word for word in words if word)


class _Marker:
    def __init__(self):
        self.complete = threading.Event()


class AudioToTextRecorder:
    def __init__(self, model='tiny', language='', use_microphone=True, spinner=True, no_log_file=False, handle_buffer_overflow=True,
                 min_length_of_recording=0.5, min_gap_between_recordings=0, start_callback_in_new_thread=False,
                 enable_realtime_transcription=False, realtime_processing_pause=0.2, silero_onnx_threads=2, beam_size=5,
                 final_transcription_word_timestamps=False,
                 on_transcription_start=None, on_realtime_transcription_update=None, on_realtime_text_stabilization_update=None):
        assert not use_microphone and not spinner and no_log_file
        assert not handle_buffer_overflow and not min_length_of_recording and not min_gap_between_recordings
        self.model = model
        self.language = language
        self.detected_language = None
        self.final_transcription_word_timestamps = final_transcription_word_timestamps
        self.last_transcription_metadata = None
        self.on_transcription_start = on_transcription_start
        self.on_realtime_transcription_update = on_realtime_transcription_update
        self.on_realtime_text_stabilization_update = on_realtime_text_stabilization_update
        self.realtime_processing_pause = realtime_processing_pause
        self.audio_queue = queue.Queue()
        self.recorded_audio_queue = queue.Queue()
        self.frames = []
        self.frames_lock = threading.Lock()
        self.is_recording = False
        self.is_running = True
        self.is_shut_down = False
        self.realtime_recording_id = 0
        self.transcribe_count = 0
        self.interrupted = threading.Event()
        self.in_text = False
        self._asked = queue.Queue()
        self._answered = queue.Queue()
        self._tracked = multiprocessing.get_context('spawn').Event()
        self._fault('load')
        targets = [self._record, self._transcribe] + ([self._preview] if enable_realtime_transcription else [])
        self._threads = [threading.Thread(target=target, daemon=True) for target in targets]
        for thread in self._threads:
            thread.start()

    def _fault(self, name):
        try:
            os.unlink(os.path.join(self.model, name))
        except OSError:
            return False
        return True

    def _slow_s(self):
        try:
            with open(os.path.join(self.model, 'slow'), encoding='utf-8') as file:
                return float(file.read())
        except OSError:
            return 0

    def _record(self):
        while self.is_running:
            try:
                chunk = self.audio_queue.get(timeout=0.01)
            except queue.Empty:
                continue
            if isinstance(chunk, _Marker):
                chunk.complete.set()
            elif self.is_recording:
                with self.frames_lock:
                    self.frames.append(chunk)

    def _preview(self):
        told = time.monotonic()
        while self.is_running:
            time.sleep(0.005)
            if not self.is_recording or time.monotonic() - told < self.realtime_processing_pause:
                continue
            recording = self.realtime_recording_id
            with self.frames_lock:
                audio = b''.join(self.frames)
            text = _read(audio)
            time.sleep(self._slow_s())
            told = time.monotonic()
            if text and self.is_recording:  # whichever it is by now
                self._tell(recording, text.capitalize())

    def _tell(self, recording, text):
        if self.on_realtime_text_stabilization_update:
            self.on_realtime_text_stabilization_update(SimpleNamespace(recording_id=recording, display_text=text))
        if self.on_realtime_transcription_update:
            self.on_realtime_transcription_update(text)

    def _transcribe(self):
        while self.is_running:
            try:
                audio = self._asked.get(timeout=0.05)
            except queue.Empty:
                continue
            if self._fault('crash'):
                os.kill(os.getpid(), signal.SIGKILL)
            while self._fault('hang') or getattr(self, '_hangs', False):
                self._hangs = True
                time.sleep(0.1)
            time.sleep(self._slow_s())
            self._answered.put(None if self._fault('fail') else _read(audio))

    def start(self, frames=None):
        self.realtime_recording_id += 1
        with self.frames_lock:
            self.frames = list(frames or [])
        self.is_recording = True
        return self

    def stop(self, backdate_stop_seconds=0.0, backdate_resume_seconds=0.0):
        with self.frames_lock:
            recorded, self.frames = self.frames, []
            self.is_recording = False
        if recorded:
            self.recorded_audio_queue.put(b''.join(recorded))
        return self

    def feed_audio(self, chunk, original_sample_rate=16000):
        if not hasattr(self, 'buffer'):
            self.buffer = bytearray()
        self.buffer += chunk
        while len(self.buffer) >= CHUNK_BYTES:
            self.audio_queue.put(bytes(self.buffer[:CHUNK_BYTES]))
            self.buffer = self.buffer[CHUNK_BYTES:]

    def flush_audio_input(self):
        rest = bytes(getattr(self, 'buffer', b''))
        self.buffer = bytearray()
        if rest:
            self.audio_queue.put(rest)
        return bool(rest)

    def drain_audio_input(self, timeout=None):
        marker = _Marker()
        self.audio_queue.put(marker)
        return marker.complete.wait(timeout)

    def has_pending_recordings(self):
        return not self.recorded_audio_queue.empty()

    def clear_audio_queue(self):
        try:
            while True:
                self.audio_queue.get_nowait()
        except queue.Empty:
            pass

    def text(self, on_transcription_finished=None, word_timestamps=None):
        self.interrupted.clear()
        while not self.is_shut_down and not self.interrupted.is_set():
            try:
                audio = self.recorded_audio_queue.get(timeout=0.02)
                break
            except queue.Empty:
                continue
        else:
            return ''
        if self.on_transcription_start and self.on_transcription_start(audio):
            return None
        if self.transcribe_count == 0:
            self._asked.put(audio)
            self.transcribe_count += 1
        self.in_text = True
        try:
            return self._await()
        finally:
            self.in_text = False

    def _await(self):
        text = ''
        while self.transcribe_count > 0:
            try:
                text = self._answered.get(timeout=0.05)
            except queue.Empty:
                if self.interrupted.is_set() or self.is_shut_down:
                    return ''
                continue
            self.transcribe_count -= 1
        if text is None:
            raise RuntimeError('the model could not be used')
        self.detected_language = 'en'
        if self.final_transcription_word_timestamps:
            words = [{'word': f' {word}', 'start': 0.1 * i, 'end': 0.1 * (i + 1)} for i, word in enumerate(text.split())]
            self.last_transcription_metadata = {'words': words}
        return text.capitalize() + '.' if text else ''

    def abort(self):
        self.interrupted.set()
        while self.is_recording and not self.in_text and not self.is_shut_down:
            time.sleep(0.05)

    def shutdown(self):
        if self.is_shut_down:
            return
        print('RealtimeSTT shutting down')
        while self._fault('stuck') or getattr(self, '_stuck', False):
            self._stuck = True
            time.sleep(0.1)
        self.is_shut_down = True
        self.is_running = False
        for thread in self._threads:
            if thread is not threading.current_thread() and not getattr(self, '_hangs', False):
                thread.join(10)
        sys.stdout.flush()
