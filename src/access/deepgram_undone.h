/* deepgram_undone: the parameters of Deepgram's /v1/listen that ask for something this server does not do. Pure. */
#ifndef ACCESS_DEEPGRAM_UNDONE_H
#define ACCESS_DEEPGRAM_UNDONE_H

struct error;

enum deepgram_undone {
	DEEPGRAM_UNDONE_ASKED,     /* *why_out says what is not done */
	DEEPGRAM_UNDONE_NOT_ASKED, /* by that value */
	DEEPGRAM_UNDONE_REFUSED, /* -- with a sentence: to go on without it would do harm, or the value cannot be */
	DEEPGRAM_UNDONE_OTHER, /* it is none of these parameters */
};

enum deepgram_undone deepgram_undone_read(
    const char *name, const char *value, const char **why_out, struct error *err);

#endif
