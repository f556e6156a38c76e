/* engine: a recogniser library behind one interface, for engines that decode as the audio comes
 * (PocketSphinx) and for those that decode an utterance whole at its end (Whisper).
 *
 * An utterance is begin, audio any number of times, partial any number of times, end. What comes out of
 * end must depend on the loaded model, the adaptation given to begin, and the samples: on nothing
 * else, whatever the process did before. Partials must not change it.
 *
 * Host and instance processes only; one thread. Nothing here may write to stdout. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ipc/traits.h"

struct error;

enum {
	ENGINE_SAMPLE_RATE_HZ = 16000,
	ENGINE_ADAPTATION_MAX_BYTES = 4096,
	ENGINE_PROMPT_MAX_BYTES = 1024,
	ENGINE_PHRASES_MAX_BYTES = 8192,
	ENGINE_WORDS_MAX = 1024,
};

struct engine_param {
	const char *key;   /* borrowed */
	const char *value; /* borrowed */
};

enum engine_param_kind {
	ENGINE_PARAM_TEXT,
	ENGINE_PARAM_PATH,   /* something has to be there that can be read */
	ENGINE_PARAM_WHOLE,  /* min..max */
	ENGINE_PARAM_NUMBER, /* min..max */
	ENGINE_PARAM_YES_NO,
	ENGINE_PARAM_MODEL,  /* a name of the catalogue of models, or a file */
	ENGINE_PARAM_OTHERS, /* no single one: whatever else the library itself takes */
	ENGINE_PARAM_KINDS,
};

/* A parameter that an engine takes. Parsing has ranges and defaults from here, and nowhere else. */
struct engine_param_info {
	const char *key;
	enum engine_param_kind kind;
	double min, max;
	const char *initial; /* what it is when not given; "": nothing */
	const char *text;    /* a sentence without its full stop */
};

struct engine_word {
	const char *text;  /* UTF-8; lent with the result */
	uint32_t start_ms; /* from the first sample of the utterance */
	uint32_t end_ms;   /* >= start_ms */
	float confidence;  /* 0..1 */
};

/* Lent: valid until the next call into the same engine. */
struct engine_result {
	const char *text; /* UTF-8, words separated by one space; "" when nothing was heard */
	float confidence; /* 0..1, of the whole text */
	const struct engine_word *words;
	/* <= ENGINE_WORDS_MAX; in partials 0 of engines that do not know yet, and the confidences 0 likewise */
	size_t words_n;
	/* ISO 639-1, "en", or three letters where that has none: what was heard; "": the engine does not know. Lent. */
	const char *language;
	const void *adaptation;  /* only from end: for the begin of the session's next utterance */
	size_t adaptation_bytes; /* <= ENGINE_ADAPTATION_MAX_BYTES */
};

/* Called by an engine now and then while it computes: `decoded` samples of the utterance are done. False:
 * give up soon, by returning an error from the call in progress. After a partial that was given up the utterance goes on
 * as if it had not been asked for; after anything else begin must still work. An engine that computes for long calls it
 * from inside, in short intervals: that is what tells the server that it is alive, and how it learns to stop. */
typedef bool engine_progress_f(void *arg, uint64_t decoded_samples);

/* What is wished of the hearing is taken by engines whose traits say so (IPC_TAKES_*), and passed over by the others. */
struct engine_begin {
	const void *adaptation;  /* what an end returned earlier; borrowed for the call */
	size_t adaptation_bytes; /* 0: the speaker is unknown */
	/* All text is UTF-8 and borrowed for the call; NULL and "": nothing is wished. */
	const char *language;  /* "de"; "auto": to be found out */
	const char *prompt;    /* as it might stand before; <= ENGINE_PROMPT_MAX_BYTES */
	const char *hot_words; /* words that are likely, with commas between; likewise */
	/* All that may be said, one a line, also several of them in a row; "[unk]" among them: and whatever else; <= ENGINE_PHRASES_MAX_BYTES. */
	const char *phrases;
	bool translate;   /* into English */
	unsigned rate_hz; /* what it was recorded at before it became 16 kHz; 0: not known */
	engine_progress_f *on_progress; /* may be NULL */
	void *arg;
};

struct engine; /* a loaded model with one decoder */

struct engine_clip { /* all borrowed */
	const int16_t *samples;
	size_t n;
	const char *text; /* what is said in it; NULL: that is not known */
};

/* All return 0, or -1 with the reason in *err; an error ends the utterance. */
struct engine_ops {
	const char *name;
	const struct ipc_traits
	    *traits; /* at most so many of its `tells` and `takes`; at least so few threads */
	const struct engine_param_info *params;
	size_t params_n;
	/* Takes key=value parameters; an unknown key or a bad value is a worded ERROR_CONFIG, a model that
	 * is not there an ERROR_ENGINE that names the path. */
	int (*load)(struct engine **out, const struct engine_param *params, size_t params_n,
	    struct error *err);
	void (*unload)(struct engine **engine);
	const char *(*model)(const struct engine *engine); /* for people: "en-us"; lent */
	/* The traits of this one, where they depend on its model or its parameters; lent. NULL: those above. */
	const struct ipc_traits *(*loaded)(const struct engine *engine);
	int (*begin)(struct engine *engine, const struct engine_begin *begin, struct error *err);
	int (*audio)(struct engine *engine, const int16_t *samples, size_t n, struct error *err);
	int (*partial)(struct engine *engine, struct engine_result *out, struct error *err);
	int (*end)(struct engine *engine, struct engine_result *out, struct error *err);
	/* Of engines with IPC_EAGER_ANEW: what `end` would give now, and the utterance goes on. Given up like a partial. */
	int (*eager)(struct engine *engine, struct engine_result *out, struct error *err);
	/* Forgets all it heard as well as the library can: what `refresh = reset` trusts. */
	void (*reset)(struct engine *engine);
	/* Measures on clips how the model in a file is best used, and says it to `to` in lines, the last "KEY VALUE", which is found
	 * again in FILE.tune when the model is loaded. NULL: there is nothing to be found out. */
	int (*tune)(const char *model, const struct engine_clip *clips, size_t n, FILE *to,
	    struct error *err);
};

extern const struct engine_ops engine_fake, engine_fake_whole, engine_vosk;
/* A program: name and parameters, no traits and no functions. The host does the rest. */
extern const struct engine_ops engine_exec;
extern const struct engine_ops engine_pocketsphinx,
    engine_whisper; /* built where their libraries are */

/* The engine of that name, or NULL with the names there are in *err. */
const struct engine_ops *engine_find(const char *name, struct error *err);

/* What all of them are and take, for people and for programs (stenopool-host --engines):
 *   engine NAME
 *     WORD: value                                        a trait
 *     param KEY: kind, what is allowed, default VALUE. Sentence. */
void engine_print_all(FILE *to);

#endif
