/* deepgram_passages: how what was heard in a file falls into utterances, and into sentences and paragraphs, as Deepgram's
 * clients ask for. Pure.
 *
 * A sentence is what was said up to a pause that ended it, as recognisers mostly write no full stops; a paragraph ends at a
 * longer pause, or when it has become long. An utterance ends where no word follows for utt_split. */
#ifndef ACCESS_DEEPGRAM_PASSAGES_H
#define ACCESS_DEEPGRAM_PASSAGES_H

#include <jansson.h>
#include <stdint.h>

struct session_event;

/* What is kept of a final, to be given to the others in order: {start, end, text, words, confidence}. NULL: no memory. */
json_t *deepgram_passage_of(const struct session_event *e);
/* Of the words of a channel, as deepgram_words_of has them; where there are none, each final is one. */
json_t *deepgram_utterances_of(
    const json_t *words, const json_t *finals, unsigned channel, unsigned utt_split_ms);
/* Two lists of utterances as one, by the time of their beginning; takes both. */
json_t *deepgram_utterances_merge(json_t *a, json_t *b);
/* {transcript, paragraphs} */
json_t *deepgram_paragraphs_of(const json_t *finals);

#endif
