#!/usr/bin/env python3
"""How many words of recordings were heard wrong. usage: words.py DIR HEARD: CLIP.txt in both, said and heard. Fails above 4 %."""
import pathlib
import re
import sys

NUMBERS = "zero one two three four five six seven eight nine ten".split()
LIMIT = 0.04


def words(text):
    text = re.sub(r"\b(10|[0-9])\b", lambda m: NUMBERS[int(m[0])], text.lower())
    return [{"mr": "mister"}.get(word, word) for word in re.sub(r"[^\w' ]", " ", text).split()]


def errors(said, heard):
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            diagonal, row[j] = row[j], min(diagonal + (word != other), row[j] + 1, row[j - 1] + 1)
    return row[-1]


wrong = total = 0
for file in sorted(pathlib.Path(sys.argv[2]).glob("*.txt")):
    said = words((pathlib.Path(sys.argv[1]) / file.name).read_text())
    wrong += errors(said, words(file.read_text()))
    total += len(said)
print(f"{wrong} of {total} words wrong, {100 * wrong / max(total, 1):.1f} %")
sys.exit(total == 0 or wrong > LIMIT * total)
