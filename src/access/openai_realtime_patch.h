/* openai_realtime_patch: the update of a Realtime session is walked with a table for each object in it: a field that is in no
 * table is refused by its whole path, those that only mean something to a conversation with a model are passed over. Pure. */
#ifndef ACCESS_OPENAI_REALTIME_PATCH_H
#define ACCESS_OPENAI_REALTIME_PATCH_H

#include <jansson.h>
#include <stddef.h>

struct error;

enum { REALTIME_PARAM_BYTES = 128 };

/* What an `error` event says besides its sentence. */
struct realtime_blame {
	const char *code;                 /* "invalid_value"; static */
	char param[REALTIME_PARAM_BYTES]; /* "session.audio.input.format.rate"; "": none */
};

struct realtime_patch {
	void *target; /* what is changed, for the functions of the tables */
	struct error *err;
	struct realtime_blame *blame;
};

/* Takes a field's value, or refuses it: -1, by one of the functions below. */
typedef int realtime_take_f(const struct realtime_patch *p, const json_t *v);

struct realtime_field {
	const char *name;
	realtime_take_f *take; /* NULL: passed over */
};

/* Each field of the object is taken as its row says. All -1s below have a sentence in *err, and in *blame the code and the
 * path from here. */
int realtime_patch_walk(const struct realtime_patch *p, const json_t *object,
    const struct realtime_field *fields, size_t n);
/* Puts the name of the object around what is blamed in it, if rc is -1; rc. */
int realtime_patch_within(const struct realtime_patch *p, const char *name, int rc);

/* All -1. */
int realtime_patch_refuse(const struct realtime_patch *p, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int realtime_patch_refuse_kind(const struct realtime_patch *p, const char *wanted, const json_t *v);
int realtime_patch_refuse_word(
    const struct realtime_patch *p, const char *word, const char *allowed);

/* Of a text, or null; and of an array of texts, or null: 0, where it is nothing else. */
int realtime_patch_text(const struct realtime_patch *p, const json_t *v);
int realtime_patch_texts(const struct realtime_patch *p, const json_t *v);

/* A new object with the fields of `was`, if that is one, and over them those of v, of which null and "" take one away. */
json_t *realtime_patch_merged(const json_t *was, const json_t *v);

#endif
