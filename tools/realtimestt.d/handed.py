"""One recorder of the package realtimestt, handed from client to client: each leaves while its final is computed, and abort() is called, as
is meant for that. The next one says something and wants its text.
usage: handed.py COMPUTE_TYPE MODEL NAME=FILE...; prints a line of JSON, {client, text}, for each client that stays: every second one"""

import json
import os
import sys
import threading
import time
import wave

from RealtimeSTT import AudioToTextRecorder


def say(recorder, file):
    """All of it is recorded, and waits for text()."""
    with wave.open(file) as w:
        pcm = w.readframes(w.getnframes())
    recorder.start()
    recorder.feed_audio(pcm)
    recorder.flush_audio_input()
    recorder.drain_audio_input(30)
    recorder.stop()


def main():
    out, sys.stdout = sys.stdout, sys.stderr  # the package prints to it
    (compute_type, model), clients = sys.argv[1:3], [arg.split('=', 1) for arg in sys.argv[3:]]
    computes = threading.Event()
    recorder = AudioToTextRecorder(use_microphone=False, spinner=False, no_log_file=True, model=model, compute_type=compute_type, language='en',
                                   min_length_of_recording=0, handle_buffer_overflow=False, on_transcription_start=lambda _: computes.set())
    for (_, leaver), (name, stayer) in zip(clients[::2], clients[1::2]):
        say(recorder, leaver)
        computes.clear()
        leaving = threading.Thread(target=recorder.text)
        leaving.start()
        computes.wait()
        time.sleep(0.1)  # the request is on its way
        recorder.abort()
        leaving.join()
        recorder.clear_audio_queue()
        say(recorder, stayer)
        print(json.dumps({'client': name, 'text': recorder.text()}), file=out, flush=True)
    os._exit(0)


if __name__ == '__main__':
    main()
