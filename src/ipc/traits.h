/* traits: what kind of engine it is, as it declares itself (engine/engine.h) and as HELLO tells it. What depends on an
 * engine, on either side, depends on these and never on its name.
 *
 * Any process; pure. */
#ifndef IPC_TRAITS_H
#define IPC_TRAITS_H

#include <stdint.h>

/* When audio is decoded. */
enum ipc_decoding {
	IPC_DECODES_AS_IT_COMES, /* a partial costs next to nothing, the end little */
	IPC_DECODES_WHOLE,       /* audio is only kept; all of it is decoded at the end */
	IPC_DECODINGS,
};

enum ipc_partials {
	IPC_PARTIALS_NONE,
	IPC_PARTIALS_OWN,  /* the engine has them at hand */
	IPC_PARTIALS_ANEW, /* each decodes the utterance so far from its beginning */
	IPC_PARTIALS,
};

/* Whether it can say what the final would be while the utterance goes on (IPC_EAGER_REQUEST). */
enum ipc_eager {
	IPC_EAGER_NONE,
	IPC_EAGER_ANEW,   /* it decodes what it has kept, and keeps it */
	IPC_EAGER_FORKED, /* its end cannot be undone: a copy of the process comes to it */
	IPC_EAGERS,
};

/* When the engine starts threads of its own. */
enum ipc_threads {
	IPC_THREADS_NONE,
	IPC_THREADS_AT_LOAD,   /* a fork would lose them */
	IPC_THREADS_AT_DECODE, /* and they end with it */
	IPC_THREADS,
};

enum { /* bits of `tells`: what results carry */
	IPC_TELLS_WORD_TIMES = 1,
	IPC_TELLS_CONFIDENCES = 2,
	IPC_TELLS_LANGUAGE = 4,
	IPC_TELLS_ADAPTATION = 8,
	IPC_TELLS_PUNCTUATION = 16, /* its text has capitals and full stops where they belong */
	IPC_TELLS_GROWING =
	    32, /* each text begins with all of the one before, and the final with the last partial */
	IPC_TELLS_ALL = 63,
};

enum { /* bits of `takes`: what may be wished of an utterance's hearing (engine_begin) */
	IPC_TAKES_LANGUAGE = 1,
	IPC_TAKES_PROMPT = 2,
	IPC_TAKES_TRANSLATE = 4,
	/* It knows wide band only: the empty upper half of narrow-band speech is filled from the lower one before it hears it. */
	IPC_TAKES_FOLDED = 8,
	IPC_TAKES_HOT_WORDS = 16, /* what is likely */
	IPC_TAKES_PHRASES = 32,   /* all that may be said */
	IPC_TAKES_ALL = 63,
};

enum {                         /* bits of `isolation`: how instances may be kept apart */
	IPC_BEARS_FORK = 1,    /* forked from the loaded host */
	IPC_BEARS_PROCESS = 2, /* each loads a model of its own */
	IPC_BEARS_BATCH = 4,   /* rows of one process */
	IPC_BEARS_ALL = 7,
};

enum { IPC_DECODE_THREADS_MAX = 256 };

struct ipc_traits {
	enum ipc_decoding decoding;
	enum ipc_partials partials;
	enum ipc_eager eager;
	enum ipc_threads threads;
	uint16_t
	    decode_threads; /* that compute at once: 1..IPC_DECODE_THREADS_MAX; 1: the caller's alone */
	uint16_t tells;     /* IPC_TELLS_* */
	uint16_t takes;     /* IPC_TAKES_* */
	uint16_t isolation; /* IPC_BEARS_*, at least one */
	uint16_t warms_up;  /* 1: the host may compute before it forks; 0: it may not */
	/* A decode may take so many times the duration of its audio without a sign of progress; at least 1. */
	uint16_t quiet_factor;
	/* Of one process that is many instances (IPC_BEARS_BATCH): how many at once, at least 1. 0: it is none. */
	uint16_t rows;
};

/* What differs first, in words that follow "it differs in"; NULL: nothing. */
const char *traits_difference(const struct ipc_traits *a, const struct ipc_traits *b);

#endif
