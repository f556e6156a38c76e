#!/usr/bin/env python3
"""An engine that is no recogniser: it tells how loud each fifth of a second was. What an engine has to do is all here."""
import array
import stenopool_engine as steno

WORDS = "hush low soft calm mild warm loud bold keen high".split()
BLOCK = steno.RATE_HZ // 5


class Loudness(steno.Engine):
    name, model = "loudness", "ten words"
    decoding, partials = steno.AS_IT_COMES, steno.OWN
    tells = steno.WORD_TIMES | steno.GROWING

    def begin(self, wishes):
        self.rest, self.words = array.array("h"), []

    def audio(self, samples):
        self.rest.frombytes(samples)
        while len(self.rest) >= BLOCK:
            loud, self.rest = sum(map(abs, self.rest[:BLOCK])) // BLOCK, self.rest[BLOCK:]
            self.words.append(steno.Word(WORDS[min(loud // 150, 9)], 200 * len(self.words), 200 * len(self.words) + 200))

    def partial(self):
        return steno.Result(" ".join(w.text for w in self.words), 1.0, self.words)

    end = partial


steno.serve(Loudness())
