#define _GNU_SOURCE
#include "models/ggml_fake.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "models/convert.h"
#include "models/ct2_fake.h"
#include "models/quantise.h"

static int append(void *to, const void *bytes, size_t n, struct error *err)
{
	(void)err;
	return fwrite(bytes, 1, n, to) == n ? 0 : -1;
}

void ggml_fake_make(struct ggml_fake *f, uint32_t tokens, int zeros)
{
	FILE *to = open_memstream((char **)&f->data, &f->n);
	struct ct2_fake model, vocabulary;
	struct error err;
	int rc;

	ct2_fake_model(&model, tokens, zeros);
	ct2_fake_vocabulary(&vocabulary);
	rc = convert_ct2(
	    &(struct convert_input){ model.data, model.n, vocabulary.data, vocabulary.n }, append,
	    to, &err);
	assert(rc == 0);
	(void)rc;
	ct2_fake_done(&model);
	ct2_fake_done(&vocabulary);
	(void)fclose(to);
}

void ggml_fake_quantise(struct ggml_fake *f)
{
	struct ggml_fake from = *f;
	FILE *to = open_memstream((char **)&f->data, &f->n);
	struct error err;
	int rc = quantise_q8_0("it", from.data, from.n, append, to, &err);

	assert(rc == 0);
	(void)rc;
	(void)fclose(to);
	ggml_fake_done(&from);
}

void ggml_fake_done(struct ggml_fake *f)
{
	free(f->data);
	*f = (struct ggml_fake){ NULL, 0 };
}
