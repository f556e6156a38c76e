"""What the engine is measured against: faster-whisper, called in a loop with one thread, as bench/server/engine_direct calls the engine.
Each line that comes on stdin is a pass over all clips; one line of JSON tells what was heard and how much CPU time each clip took.
The first pass is unasked and its times do not count.
usage: peer_direct.py MODEL CLIP.wav..."""
import json
import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"  # before the libraries look

from faster_whisper import WhisperModel, decode_audio

model = WhisperModel(sys.argv[1], device="cpu", compute_type="int8", cpu_threads=1, num_workers=1, local_files_only=True)
clips = {os.path.basename(path)[:-4]: decode_audio(path) for path in sys.argv[2:]}


def hear(samples):
    begun = time.process_time()
    segments, _ = model.transcribe(samples, language="en", beam_size=1)
    text = " ".join(segment.text.strip() for segment in segments)
    return text, time.process_time() - begun


def hear_all():
    begun = time.monotonic()
    heard = {name: hear(samples) for name, samples in clips.items()}
    seconds = time.monotonic() - begun
    print(json.dumps({"seconds": seconds, "texts": {n: t for n, (t, _) in heard.items()}, "cpu": {n: s for n, (_, s) in heard.items()}}), flush=True)


hear_all()
for _ in sys.stdin:
    hear_all()
