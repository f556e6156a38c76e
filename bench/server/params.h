/* params: the key=value arguments of a benchmark program, and what else stands on its command line. */
#ifndef SERVER_PARAMS_H
#define SERVER_PARAMS_H

#include <stdbool.h>

struct params {
	const char *url;     /* ws://... */
	unsigned n;          /* clients at once */
	unsigned total;      /* sessions */
	unsigned utterances; /* of each session */
	unsigned seconds;    /* measured */
	unsigned gap_ms;
	unsigned pools; /* used in turn: "en", "en2", ... */
	unsigned pid;   /* the server's */
	unsigned rate;  /* connections a second */
	unsigned rounds;
	bool vad, partials;
	bool silero;  /* with vad: the server listens with the network */
	bool trace;   /* say when each final came */
	char **files; /* the arguments that are no key=value */
	int files_n;
};

/* Ends the process with a sentence when an argument is wrong. */
void params_read(struct params *p, int argc, char **argv);

#endif
