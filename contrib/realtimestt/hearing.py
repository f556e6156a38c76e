"""hearing: one AudioToTextRecorder of the package realtimestt as it is installed, used for one utterance after the other.

Where an utterance begins and ends is known before it comes here, so the recorder is started and stopped by hand, and its own
detection of voice has no say: start(), feed_audio(), flush, drain, stop(), text(). What is still in the recorder when an
utterance is over is taken out of it by its public calls; where that cannot be trusted the recorder is spoilt, and the next
utterance gets a new one. It is spoilt by all that leaves a result or a thread behind:

- abort() while a final is computed: the result stays in the recorder's pipe and is returned by the next text(), whatever was
  said since;
- an error of text(), or a thread that does not take its audio any more.

Late texts are told from those of this utterance by the number of the recording they belong to. All calls come from one thread;
the recorder's callbacks come from its own.
"""

import ctypes
import gc
import inspect
import json
import logging
import threading
from dataclasses import dataclass, field

# What this file decides, and what is no setting of a recogniser: nobody else may set it.
FIXED = {
    'use_microphone': False,
    'spinner': False,
    'no_log_file': True,
    'handle_buffer_overflow': False,  # else audio that comes faster than it is spoken is thrown away
    'min_length_of_recording': 0,  # else stop() is refused
    'min_gap_between_recordings': 0,  # else start() is
    'start_callback_in_new_thread': False,
    'realtime_punctuation_split_marks': 'off',
    'early_transcription_on_silence': 0,
}
DEFAULTS = {'enable_realtime_transcription': True, 'silero_onnx_threads': 1}

STEP_S = 0.1  # how often somebody who waits looks up
TAKE_S = 10  # the recorder's thread takes its audio within that, or never
CLOSE_S = 15  # a recorder that is shut down ends within that, or never


M_ARENA_MAX = -8  # of mallopt(3)


def _of_libc(name, *args):
    """What glibc can do about memory; nothing with another C library."""
    try:
        getattr(ctypes.CDLL(None), name)(*args)
    except (AttributeError, OSError):
        pass


class HearingError(Exception):
    """What went wrong, in a sentence; the utterance is lost, the next one gets a new recorder."""


class GivenUp(HearingError):
    """Nobody wants the utterance any more."""


class Lost(Exception):
    """Threads of a recorder could not be ended: only the end of the process helps."""


def setting(name, value, default):
    """`value`, a text, as what the recorder's constructor wants in the place of `default`."""
    if isinstance(default, bool):
        if value.lower() in ('yes', 'true', 'on', '1'):
            return True
        if value.lower() in ('no', 'false', 'off', '0'):
            return False
        raise HearingError(f'{name} is yes or no, not "{value}"')
    if isinstance(default, (int, float)):
        try:
            return int(value) if isinstance(default, int) and value.lstrip('-').isdigit() else float(value)
        except ValueError:
            raise HearingError(f'{name} is a number, not "{value}"') from None
    if isinstance(default, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def settings(recorder_class, given):
    """The constructor's keywords for {name: text}; a HearingError where one is unknown or not to be set."""
    known = inspect.signature(recorder_class.__init__).parameters
    found = {name: value for name, value in DEFAULTS.items() if name in known}
    for name, value in given.items():
        if name not in known or name == 'self':
            raise HearingError(f'"{name}" is no setting of AudioToTextRecorder')
        if name in FIXED or name.startswith('on_') or name.endswith('_executor'):
            raise HearingError(f'"{name}" is the worker\'s to set')
        found[name] = setting(name, value, known[name].default)
    found.update({name: value for name, value in FIXED.items() if name in known})
    return found


@dataclass
class Heard:
    text: str = ''
    language: str = ''  # '': not known
    words: list = field(default_factory=list)  # {'word', 'start', 'end'}, in seconds from the first sample; where the settings ask for them


class Recorder:
    """A recorder and what its callbacks have told. With it goes all that it ever heard."""

    def __init__(self, recorder_class, keywords):
        self.partial = ''
        self.language = ''  # that was asked for in the settings
        self.discards = False
        self.spoilt = False
        self._told_of = None  # the recording that the callbacks now speak of
        self._numbered = False
        self.real = recorder_class(
            on_realtime_text_stabilization_update=self._on_event,
            on_realtime_transcription_update=self._on_text,
            on_transcription_start=self._on_transcription_start,
            **keywords,
        )
        self.language = self.real.language

    def _on_event(self, event):
        self._told_of = getattr(event, 'recording_id', None)
        self._numbered = True

    def _on_text(self, text):
        """Comes after the event of the same text, in the same thread."""
        if not self._numbered or self._told_of == self.real.realtime_recording_id:
            self.partial = text or ''

    def _on_transcription_start(self, _audio):
        return self.discards  # True: it is not computed

    def close(self):
        """Ends its threads."""
        self.discards = True
        # Each recorder has added a handler, and none takes it away: lines would multiply. What is said while it ends is of no use.
        logging.getLogger('realtimestt').handlers[:] = [logging.NullHandler()]
        closing = threading.Thread(target=self.real.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_S)
        if closing.is_alive():
            raise Lost('a recorder could not be shut down')


class Hearing:
    """`renews`: each client gets a new recorder; else the same one, cleared."""

    def __init__(self, recorder_class, keywords, renews=True):
        _of_libc('mallopt', M_ARENA_MAX, 1)  # else each thread of each recorder leaves a heap behind
        self._make = lambda: Recorder(recorder_class, keywords)
        self._renews = renews
        self._recorder = self._make()
        self.renewed = 0  # recorders that were replaced

    def begin(self, language=''):
        """A new utterance. `language`: what it is spoken in, or '': as it is set."""
        self.abort()
        if self._recorder is None or self._recorder.spoilt:
            self._renew()
        real = self._recorder.real
        real.language = language or self._recorder.language
        real.start()
        self._recorder.partial = ''  # after start(): from here on late texts have another number
        if not real.is_recording:
            self._fail('the recorder did not start')

    def audio(self, pcm):
        """16-bit samples, 16 kHz, mono."""
        self._recorder.real.feed_audio(pcm)

    def partial(self):
        """The newest text there is of this utterance."""
        return self._recorder.partial if self._recorder is not None else ''

    def end(self, goes_on):
        """All that was said, as Heard. `goes_on` is asked now and then whether anybody wants it; if not it is GivenUp."""
        real = self._recorder.real
        self._stop(goes_on)
        heard = Heard()
        if real.has_pending_recordings():  # else text() would wait for somebody to speak
            heard.text = self._text(goes_on)
            heard.language = real.detected_language or ''
            heard.words = (getattr(real, 'last_transcription_metadata', None) or {}).get('words') or []
        return heard

    def abort(self):
        """The utterance is not wanted; what was heard of it is forgotten."""
        recorder = self._recorder
        if recorder is None or recorder.spoilt:
            return
        try:
            self._stop(lambda: True)
            recorder.discards = True
            while recorder.real.has_pending_recordings():
                self._text(lambda: True)
        except HearingError:
            recorder.spoilt = True
        finally:
            recorder.discards = False
            recorder.partial = ''

    def reset(self):
        """The client has gone: nothing of it may be left."""
        if self._renews or self._recorder is None or self._recorder.spoilt:
            self._renew()
            return
        self.abort()
        real = self._recorder.real
        real.clear_audio_queue()
        if self._recorder.spoilt or real.is_recording or real.has_pending_recordings() or real.audio_queue.qsize() > 0:
            self._renew()

    def close(self):
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return
        recorder.close()
        del recorder
        gc.collect()  # its parts know each other
        _of_libc('malloc_trim', 0)

    def _renew(self):
        self.close()
        try:
            self._recorder = self._make()
        except Exception as e:  # whatever the recogniser throws
            raise HearingError(f'a recorder could not be made: {e}') from e
        self.renewed += 1

    def _fail(self, why):
        self._recorder.spoilt = True
        raise HearingError(why)

    def _stop(self, goes_on):
        """All audio that was fed is in the recording, and the recording is over."""
        real = self._recorder.real
        real.flush_audio_input()
        for _ in range(int(TAKE_S / STEP_S)):
            if real.drain_audio_input(STEP_S):
                break
            goes_on()
        else:
            self._fail('the recorder does not take its audio')
        if real.is_recording:
            real.stop()
        if real.is_recording:
            self._fail('the recorder did not stop')

    def _text(self, goes_on):
        """What text() gives for the oldest recording that is waiting."""
        recorder = self._recorder
        said = []

        def call():
            try:
                said.append(recorder.real.text() or '')
            except Exception as e:  # whatever the recogniser throws
                said.append(e)

        thread = threading.Thread(target=call, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(STEP_S)
            if thread.is_alive() and not goes_on():
                recorder.spoilt = True
                threading.Thread(target=recorder.real.abort, daemon=True).start()
                raise GivenUp('nobody wants it')
        if isinstance(said[0], Exception):
            self._fail(f'the recorder said: {said[0]}')
        return said[0]
