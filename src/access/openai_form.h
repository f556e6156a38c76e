/* openai_form: what a client of POST /v1/audio/transcriptions asks for. Pure. */
#ifndef ACCESS_OPENAI_FORM_H
#define ACCESS_OPENAI_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/openai_text.h"
#include "access/wanted.h"

struct error;

enum { OPENAI_MODEL_BYTES = 128, OPENAI_LANGUAGE_BYTES = 36 };

struct openai_form {
	const uint8_t *file; /* in the body; never NULL after openai_form_read */
	size_t file_n;
	char model[OPENAI_MODEL_BYTES]; /* "": none named */
	char language
	    [OPENAI_LANGUAGE_BYTES]; /* one, or a list (base/name_list.h) of those it may be */
	struct wanted wanted;        /* owned; its language is the first of those */
	struct openai_style style;
};

void openai_form_done(struct openai_form *f);
/* -1: *err has the sentence, and *param_out the field that is wrong, or NULL. */
int openai_form_read(struct openai_form *out, const char *content_type, const void *body, size_t n,
    struct error *err, const char **param_out);

#endif
