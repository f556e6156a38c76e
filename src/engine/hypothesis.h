/* hypothesis: what one decode of Whisper brought, token by token, and whether to believe it.
 *
 * Where nothing was said Whisper invents words, and where it loses its thread it repeats the last ones until it is stopped. The first
 * shows in its own doubt (the probability of its no-speech token, the mean log probability of what it wrote: Radford et al.,
 * "Robust Speech Recognition via Large-Scale Weak Supervision", 2022, section 4.5), the second in the text.
 *
 * Pure. */
#ifndef ENGINE_HYPOTHESIS_H
#define ENGINE_HYPOTHESIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine_word;

struct hypothesis_token {
	const char *
	    bytes; /* lent; a piece of UTF-8, which may end within a character; words begin with a space */
	int32_t id;
	float p;                /* 0..1 */
	float log_p;            /* <= 0 */
	int32_t from_ms, to_ms; /* from the first sample */
};

struct hypothesis {
	struct hypothesis_token *tokens; /* owned; text only */
	size_t n, cap;
	float no_speech;  /* probability 0..1 that nobody spoke; < 0: the model does not know */
	bool at_limit;    /* it was stopped by the number of its tokens */
	bool was_suspect; /* the first of two decodes was, and this is the second */
	uint32_t audio_ms;
};

void hypothesis_done(struct hypothesis *h);
void hypothesis_clear(struct hypothesis *h, uint32_t audio_ms);
void hypothesis_add(struct hypothesis *h, const struct hypothesis_token *t);

/* How many tokens at the end say once more what stands before them; 0: it does not go round in a circle. */
size_t hypothesis_loop(const struct hypothesis *h);
/* Whether another decode, one with more care, should have a try. */
bool hypothesis_is_suspect(const struct hypothesis *h);
/* Takes away what repeats, when nobody could have said it in that time. */
void hypothesis_cut_loop(struct hypothesis *h);
/* Takes away everything when it was most probably invented: above no_speech_max, or of models that do not know that probability
 * below log_p_min. Short utterances have low probabilities too, so the second is no judge where there is the first. */
void hypothesis_cut_invention(struct hypothesis *h, float no_speech_max, float log_p_min);
/* Takes away everything when it has no word: dots, signs for music. */
void hypothesis_cut_wordless(struct hypothesis *h);
/* Mean log probability of the tokens; 0 of none. */
float hypothesis_log_p(const struct hypothesis *h);

/* Where its text and words go. */
struct hypothesis_room {
	char *text, *spelled; /* of `cap` bytes each; `spelled` has the words, each terminated */
	size_t cap;
	struct engine_word *words; /* ENGINE_WORDS_MAX */
};

/* Words are what stands between spaces, so that of a script without them there is one word a sentence. What there is no room
 * for is left out, whole words only. The number of words. */
size_t hypothesis_words(const struct hypothesis *h, const struct hypothesis_room *room);

#endif
