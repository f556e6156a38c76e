#!/usr/bin/env python3
"""The example engine as one program of many rows: many.py [ROWS]. It says on stderr how many it decodes together."""
import array
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../contrib/python"))
import stenopool_engine as steno  # noqa: E402

WORDS = "hush low soft calm mild warm loud bold keen high".split()
BLOCK = steno.RATE_HZ // 5


def hear(audio):
    samples, words = array.array("h"), []
    samples.frombytes(audio)
    for at in range(0, len(samples) - BLOCK + 1, BLOCK):
        loud = sum(map(abs, samples[at:at + BLOCK])) // BLOCK
        words.append(steno.Word(WORDS[min(loud // 150, 9)], at // 16, (at + BLOCK) // 16))
    return steno.Result(" ".join(w.text for w in words), 1.0, words)


class Many(steno.BatchEngine):
    name, model = "many", "ten words"
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    partials, eager = steno.ANEW, steno.EAGER_ANEW
    tells = steno.WORD_TIMES
    gather_s = 0.02

    def decode(self, jobs):
        print(f"{len(jobs)} together", file=sys.stderr, flush=True)
        return [hear(job.audio) for job in jobs]


steno.serve_batch(Many())
