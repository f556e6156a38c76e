/* stt_stable: which part of an utterance's partials a RealtimeSTT client may show as settled. What has been shown as stable is
 * never rewritten: it only grows, by whole words, when several partials have agreed on them for long enough. Letters are
 * compared without case and punctuation, spaces as one; what is shown keeps the case. Pure; one for each utterance. */
#ifndef ACCESS_STT_STABLE_H
#define ACCESS_STT_STABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stt_stable;

struct stt_stable_text {      /* lent until the next call */
	const char *stable;   /* all that stands */
	const char *delta;    /* what of it is new */
	const char *unstable; /* what follows it for now */
	unsigned offset;      /* characters of `stable` as they are compared */
	bool aligned;         /* false: the latest partial contradicts what stands */
	bool outlier;         /* the latest partial was unlike all before, and was not taken */
};

struct stt_stable *stt_stable_new(void); /* NULL: no memory */
void stt_stable_free(struct stt_stable **s);
/* The next partial: `heard_ms` of audio were heard for it, and it came at `now_ms`; a partial that heard no more audio than the
 * one before confirms nothing. -1: no memory; `out` is not set then. */
int stt_stable_take(struct stt_stable *s, const char *text, size_t n, uint64_t heard_ms,
    uint64_t now_ms, struct stt_stable_text *out);

#endif
