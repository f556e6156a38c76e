#!/usr/bin/env python3
"""RealtimeSTT, as it is installed, as an engine of Stenopool (engine = exec): each instance of the pool is a process with a recorder of
its own. README.md says how it is set up.

All keywords of AudioToTextRecorder are parameters of the pool by their own names (param.model = ...), but for those that hearing.py
fixes. The worker's own:
    param.renew = yes       each client gets a new recorder; no: the same one, cleared (for refresh = reset)
    param.threads = 1       that one decode computes with
    param.package = DIR     where RealtimeSTT is imported from, if not from where Python finds it"""

import os
import sys
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'python'))
import stenopool_engine as steno  # noqa: E402

import hearing  # noqa: E402

END_S = 10  # what is still computed when nobody is there any more may go on for so long
BUSY_S = 0.02  # CPU time in which something is computed


class RealtimeStt(steno.Engine):
    name = 'realtimestt'
    decoding, partials = steno.WHOLE, steno.OWN
    threads = steno.THREADS_AT_LOAD
    tells = steno.TELLS_LANGUAGE | steno.PUNCTUATION
    takes = steno.LANGUAGE
    quiet_factor = 4

    def __init__(self, recorder_class, given):
        given = dict(given)
        renews = hearing.setting('renew', given.pop('renew', 'yes'), True)
        self.decode_threads = hearing.setting('threads', given.pop('threads', '1'), 1)
        keywords = hearing.settings(recorder_class, given)
        self.model = os.path.basename(os.path.normpath(str(keywords.get('model', ''))))
        if keywords.get('final_transcription_word_timestamps'):
            self.tells |= steno.WORD_TIMES
        self.hearing = hearing.Hearing(recorder_class, keywords, renews)
        self.cpu = 0.0

    def begin(self, wishes):
        self.hearing.begin('' if wishes.language == 'auto' else wishes.language)

    def audio(self, samples):
        self.hearing.audio(bytes(samples))

    def partial(self):
        return self.hearing.partial()

    def end(self):
        heard = self.hearing.end(self.goes_on)
        words = [steno.Word(w['word'].strip(), round(1000 * w['start']), round(1000 * w['end'])) for w in heard.words]
        return steno.Result(heard.text, words=words, language=heard.language)

    def abort(self):
        self.hearing.abort()

    def reset(self):
        self.hearing.reset()

    def goes_on(self):
        """Whether anybody wants it. A recorder that hangs computes nothing: then there is no sign of life, and the server ends us."""
        cpu = time.process_time()
        if cpu - self.cpu < BUSY_S:
            return True
        self.cpu = cpu
        return self.progress()


def leave(engine, status):
    """The recorder's threads are not all daemons, so the process has to be ended; its children end when it does."""
    closing = threading.Thread(target=engine.hearing.close, daemon=True)
    closing.start()
    closing.join(END_S)
    sys.stderr.flush()
    os._exit(status)


def main():
    sys.stdout = open(os.devnull, 'w', encoding='utf-8')  # RealtimeSTT prints when it ends; what it has to say it logs
    given = steno.params()
    os.environ.setdefault('OMP_NUM_THREADS', given.get('threads', '1'))
    if 'package' in given:
        sys.path.insert(0, given.pop('package'))
    try:
        from RealtimeSTT import AudioToTextRecorder

        engine = RealtimeStt(AudioToTextRecorder, given)
    except ImportError as e:
        sys.exit(f'RealtimeSTT cannot be imported: {e}')
    except hearing.HearingError as e:
        sys.exit(str(e))
    status = 1
    try:
        steno.serve(engine)
    except SystemExit as e:
        status = e.code if isinstance(e.code, int) else 1
    except Exception as e:  # what cannot be mended, as a recorder that does not end
        print(f'the worker ends: {e}', file=sys.stderr)
    leave(engine, status)


if __name__ == '__main__':
    main()
