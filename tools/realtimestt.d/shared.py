"""Eight clients and one recorder of the package realtimestt that all of them share: each one's handler feeds what its client says, and what
text() returns is sent to everybody, as the package's own stt-server does.
usage: shared.py APART_S COMPUTE_TYPE MODEL NAME=FILE...; prints a line of JSON, {client, text}, for each text that a client gets"""

import json
import os
import sys
import threading
import time
import wave

import numpy
from RealtimeSTT import AudioToTextRecorder

PACKET_S = 0.1
SILENCE_S = 2.0


def samples_of(file):
    with wave.open(file) as w:
        return numpy.frombuffer(w.readframes(w.getnframes()), numpy.int16), w.getframerate()


def speak(recorder, file, after_s):
    """At the pace of speech, then silence, so that the recorder notices that it is over."""
    time.sleep(after_s)
    samples, rate = samples_of(file)
    step = int(rate * PACKET_S)
    samples = numpy.concatenate([samples, numpy.zeros(int(rate * SILENCE_S), numpy.int16)])
    start = time.monotonic()
    for n, at in enumerate(range(0, len(samples), step)):
        time.sleep(max(0.0, start + n * PACKET_S - time.monotonic()))
        recorder.feed_audio(samples[at:at + step], rate)


def main():
    out, sys.stdout = sys.stdout, sys.stderr  # the package prints to it
    (apart_s, compute_type, model), clients = sys.argv[1:4], dict(arg.split('=', 1) for arg in sys.argv[4:])
    recorder = AudioToTextRecorder(use_microphone=False, spinner=False, no_log_file=True, model=model, compute_type=compute_type, language='en')

    def listen():
        while True:
            text = recorder.text()
            for client in clients if text else ():
                print(json.dumps({'client': client, 'text': text}), file=out, flush=True)

    threading.Thread(target=listen, daemon=True).start()
    speakers = [threading.Thread(target=speak, args=(recorder, file, float(apart_s) * n)) for n, file in enumerate(clients.values())]
    for thread in speakers:
        thread.start()
    for thread in speakers:
        thread.join()
    time.sleep(2)  # until the recorder has noticed that nobody speaks
    while recorder.is_recording or recorder.has_pending_recordings() or recorder.state == 'transcribing':
        time.sleep(0.1)
    time.sleep(1)
    os._exit(0)  # nobody waits for threads that may still compute


if __name__ == '__main__':
    main()
