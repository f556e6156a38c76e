#!/usr/bin/env python3
"""Whisper on CTranslate2 (pip install faster-whisper) as an engine of Stenopool: one process, many rows, and what is due together is one batch
of the model. On a CPU a batch costs as much as its parts, and the first of them waits for the last: there each is decoded alone.

    [pool any]
    engine = exec
    param.command = /opt/venv/bin/python /usr/share/stenopool/engines/faster_whisper.py
    param.model = /models/faster-whisper-small
    param.rows = 8
    max = 8

Parameters, all param.NAME: model (a directory; a name that is in the cache of Hugging Face), device (cpu, cuda), compute_type (int8),
threads (of one batch; all cores), rows (8), batch (the most in one; 1 on a CPU, else rows), gather_ms (how long one waits for others where there
are batches; 10), beam (1), language
(what is spoken when the client does not say; en for English models, else auto), words (no, yes: word times, which cost a fifth more)."""
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path = [p for p in sys.path if os.path.abspath(p) != here]  # this file has the name of what it needs
sys.path.insert(0, os.path.join(here, "../python"))
import stenopool_engine as steno  # noqa: E402

PARAMS = {"model": "", "device": "cpu", "compute_type": "int8", "threads": str(os.cpu_count() or 1), "rows": "8", "batch": "", "gather_ms": "10",
          "beam": "1", "language": "", "words": "no"}
unknown = sorted(set(steno.params()) - set(PARAMS) - {"isolation"})
if unknown:
    sys.exit(f"faster_whisper.py has no param.{unknown[0]}; it has {', '.join(PARAMS)}")
settings = {**PARAMS, **steno.params()}
if not settings["model"]:
    sys.exit("faster_whisper.py needs param.model, a directory with a model in CTranslate2's form")
os.environ["OMP_NUM_THREADS"] = settings["threads"]  # before the libraries look

import math  # noqa: E402

import numpy  # noqa: E402
from faster_whisper import WhisperModel  # noqa: E402
from faster_whisper.tokenizer import Tokenizer  # noqa: E402

WINDOW = 30 * steno.RATE_HZ
FRAMES = 3000
SILENT, UNSURE = 0.6, -1.0  # above, and below that: nobody has spoken


def floats(audio):
    return numpy.frombuffer(audio, numpy.int16).astype(numpy.float32) / 32768


class FasterWhisper(steno.BatchEngine):
    name = "faster-whisper"
    decoding, partials, eager, threads = steno.WHOLE, steno.ANEW, steno.EAGER_ANEW, steno.THREADS_AT_LOAD
    quiet_factor = 10

    def __init__(self):
        self.model = os.path.basename(settings["model"].rstrip("/"))
        self.rows = int(settings["rows"])
        self.max_batch = int(settings["batch"] or (1 if settings["device"] == "cpu" else self.rows))
        self.gather_s = float(settings["gather_ms"]) / 1000 if self.max_batch > 1 else 0
        self.decode_threads = int(settings["threads"])
        self.beam, self.words = int(settings["beam"]), settings["words"] == "yes"
        self.whisper = WhisperModel(settings["model"], device=settings["device"], compute_type=settings["compute_type"],
                                    cpu_threads=self.decode_threads, local_files_only=True)
        many = self.whisper.model.is_multilingual
        self.language = settings["language"] or ("auto" if many else "en")
        self.tells = steno.CONFIDENCES | steno.PUNCTUATION | steno.TELLS_LANGUAGE | (steno.WORD_TIMES if self.words else 0)
        self.takes = steno.PROMPT | steno.HOT_WORDS | (steno.LANGUAGE | steno.TRANSLATE if many else 0)
        self.tokenizers = {}
        self.decode([steno.Job(1, steno.FINAL, bytes(2 * steno.RATE_HZ), steno.Wishes(), 0)])  # the first decode fills what others find

    def decode(self, jobs):
        """What is longer than the model's window is decoded alone, window by window."""
        results = [None] * len(jobs)
        short = [i for i, job in enumerate(jobs) if len(job.audio) <= 2 * WINDOW]
        for i in set(range(len(jobs))) - set(short):
            results[i] = self.decode_long(jobs[i])
        if short:
            features = numpy.stack([self.features(jobs[i].audio) for i in short])
            for i, result in zip(short, self.decode_windows([jobs[i] for i in short], features)):
                results[i] = result
        return results

    def features(self, audio):
        f = self.whisper.feature_extractor(floats(audio))[:, :FRAMES]
        return numpy.pad(f, ((0, 0), (0, FRAMES - f.shape[1])))

    def decode_windows(self, jobs, features):
        """Those whose prompts are equally long are one batch."""
        encoded = self.whisper.encode(features)
        tokenizers = self.find_tokenizers(jobs, encoded)
        prompts = [self.prompt(job, tokenizer) for job, tokenizer in zip(jobs, tokenizers)]
        results = [None] * len(jobs)
        for length in sorted(set(map(len, prompts))):
            group = [i for i, p in enumerate(prompts) if len(p) == length]
            part = encoded if len(group) == len(jobs) else self.whisper.encode(features[group])
            generated = self.whisper.model.generate(part, [prompts[i] for i in group], beam_size=self.beam, return_scores=True,
                                                    return_no_speech_prob=True, max_length=448)
            words = self.align(jobs, group, tokenizers, generated, part) if self.words else [[]] * len(group)
            for i, g, w in zip(group, generated, words):
                results[i] = self.result(tokenizers[i], g, w)
        return results

    def find_tokenizers(self, jobs, encoded):
        wished = [job.wishes.language or self.language for job in jobs]
        heard = self.whisper.model.detect_language(encoded) if "auto" in wished and self.whisper.model.is_multilingual else None
        found = []
        for i, (job, language) in enumerate(zip(jobs, wished)):
            language = language.split("-")[0].lower()
            if language == "auto" and heard is not None:
                language = heard[i][0][0][2:-2]
            found.append(self.tokenizer(language, "translate" if job.wishes.translate else "transcribe"))
        return found

    def tokenizer(self, language, task):
        many = self.whisper.model.is_multilingual
        if language not in self.whisper.supported_languages:
            language = "en"
        if (language, task) not in self.tokenizers:
            self.tokenizers[language, task] = Tokenizer(self.whisper.hf_tokenizer, many, task=task, language=language)
        return self.tokenizers[language, task]

    def prompt(self, job, tokenizer):
        before = tokenizer.encode(" " + job.wishes.prompt.strip()) if job.wishes.prompt.strip() else []
        return self.whisper.get_prompt(tokenizer, before, without_timestamps=True, hotwords=job.wishes.hot_words or None)

    def align(self, jobs, group, tokenizers, generated, encoded):
        """Word times; of a group whose languages differ there are none."""
        if len({tokenizers[i] for i in group}) > 1:
            return [[]] * len(group)
        tokenizer = tokenizers[group[0]]
        tokens = [[t for t in g.sequences_ids[0] if t < tokenizer.eot] for g in generated]
        frames = max(len(jobs[i].audio) for i in group) // 2 * FRAMES // WINDOW
        return self.whisper.find_alignment(tokenizer, tokens, encoded, min(frames + 50, FRAMES))

    def result(self, tokenizer, g, words):
        tokens = [t for t in g.sequences_ids[0] if t < tokenizer.eot]
        log_p = g.scores[0] * len(g.sequences_ids[0]) / (len(g.sequences_ids[0]) + 1)
        if not tokens or (g.no_speech_prob > SILENT and log_p < UNSURE):
            return steno.Result("", language=tokenizer.language_code or "en")
        return steno.Result(tokenizer.decode(tokens).strip(), math.exp(log_p), self.join(words), tokenizer.language_code or "en")

    def join(self, pieces):
        """What has no blank before it, a full stop say, belongs to the word before."""
        words = []
        for p in pieces:
            text, start, end = p["word"], round(1000 * float(p["start"])), round(1000 * float(p["end"]))
            if words and not text.startswith(" "):
                words[-1].text += text
                words[-1].end_ms = end
            elif text.strip():
                words.append(steno.Word(text.strip(), start, end, float(p["probability"])))
        return words

    def decode_long(self, job):
        language = (job.wishes.language or self.language).split("-")[0].lower()
        segments, info = self.whisper.transcribe(
            floats(job.audio), language=None if language == "auto" else language, beam_size=self.beam,
            task="translate" if job.wishes.translate else "transcribe", initial_prompt=job.wishes.prompt or None,
            hotwords=job.wishes.hot_words or None, condition_on_previous_text=False, word_timestamps=self.words)
        segments = list(segments)
        words = [steno.Word(w.word.strip(), round(1000 * w.start), round(1000 * w.end), w.probability) for s in segments for w in s.words or []]
        log_p = sum(s.avg_logprob for s in segments) / max(len(segments), 1)
        return steno.Result(" ".join(s.text.strip() for s in segments), math.exp(log_p), words, info.language)


steno.serve_batch(FasterWhisper())
