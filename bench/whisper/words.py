"""Words wrong as the field counts them: jiwer, behind Whisper's own normaliser for English.
Reads lists of [what was said, what was heard] as JSON, one list a line; answers each with [words wrong, words said]."""
import json
import sys

import jiwer
from whisper_normalizer.english import EnglishTextNormalizer

normal = EnglishTextNormalizer()
for line in sys.stdin:
    wrong = said = 0
    for want, got in json.loads(line):
        out = jiwer.process_words(normal(want), normal(got))
        wrong += out.substitutions + out.deletions + out.insertions
        said += out.substitutions + out.deletions + out.hits
    print(json.dumps([wrong, said]), flush=True)
