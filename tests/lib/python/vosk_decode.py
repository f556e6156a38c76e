"""What libvosk makes of an utterance, without Stenopool: vosk_decode.py LIBRARY MODEL <SAMPLES. Raw 16 kHz s16le mono comes from stdin, in the
blocks and with the random numbers that the engine gives it; the text goes to stdout."""
import ctypes
import json
import os
import sys

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
library = ctypes.CDLL(sys.argv[1])
for name in ("vosk_model_new", "vosk_recognizer_new"):
    getattr(library, name).restype = ctypes.c_void_p
for name in ("vosk_recognizer_result", "vosk_recognizer_final_result"):
    getattr(library, name).restype = ctypes.c_char_p
library.vosk_set_log_level(-1)
model = ctypes.c_void_p(library.vosk_model_new(sys.argv[2].encode()))
recogniser = ctypes.c_void_p(library.vosk_recognizer_new(model, ctypes.c_float(16000)))
library.vosk_recognizer_set_words(recogniser, 1)
ctypes.CDLL(None).srand(1)
samples = sys.stdin.buffer.read()
results = []
for at in range(0, len(samples), 3200):
    block = samples[at:at + 3200]
    if library.vosk_recognizer_accept_waveform_s(recogniser, block, len(block) // 2):
        results.append(library.vosk_recognizer_result(recogniser))
results.append(library.vosk_recognizer_final_result(recogniser))
sys.stdout.reconfigure(encoding="utf-8")
print(" ".join(filter(None, (json.loads(r)["text"] for r in results))))
