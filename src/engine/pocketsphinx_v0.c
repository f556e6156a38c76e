/* PocketSphinx 0.8+5prealpha: settings are a command line, and the cepstral mean is in a public struct. */
#define _GNU_SOURCE
#include "engine/pocketsphinx_compat.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sphinxbase/cmn.h>
#include <sphinxbase/err.h>
#include <sphinxbase/fsg_model.h>
#include <sphinxbase/genrand.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"

static const char grammar_name[] = "phrases";

enum {
	MAGIC = 0x31435350, /* "PSC1" */
	HEADER_BYTES = 12,  /* magic, length of the vector, frames in the sum */
	FRAMES_MAX = 800,   /* CMN_WIN_HWM: above it the library shrinks the sum */
	VECTOR_MAX = (POCKETSPHINX_ADAPTATION_MAX - HEADER_BYTES) / 8,
};

enum pocketsphinx_kind pocketsphinx_compat_kind(const char *name)
{
	for (const arg_t *a = ps_args(); a->name != NULL; a++) {
		if (a->name[0] != '-' || strcmp(a->name + 1, name) != 0)
			continue;
		if ((a->type & ARG_INTEGER) != 0)
			return POCKETSPHINX_INTEGER;
		if ((a->type & ARG_FLOATING) != 0)
			return POCKETSPHINX_FLOATING;
		if ((a->type & ARG_BOOLEAN) != 0)
			return POCKETSPHINX_BOOLEAN;
		if ((a->type & ARG_STRING) != 0)
			return POCKETSPHINX_STRING;
	}
	return POCKETSPHINX_UNKNOWN;
}

static pocketsphinx_line_f *on_line;

/* Lines are like `ERROR: "acmod.c", line 83: Folder ...`, in pieces as printf takes them. */
static void on_message(void *user_data, err_lvl_t level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void on_message(void *user_data, err_lvl_t level, const char *fmt, ...)
{
	char line[512];
	const char *text;
	va_list ap;

	(void)user_data;
	if (level < ERR_ERROR)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	line[strcspn(line, "\n")] = '\0';
	text = strstr(line, ", line ");
	text = text == NULL ? NULL : strstr(text, ": ");
	on_line(level == ERR_FATAL, text == NULL ? line : text + 2);
}

void pocketsphinx_compat_log(pocketsphinx_line_f *f)
{
	on_line = f;
	err_set_callback(on_message, NULL);
	err_set_logfp(NULL); /* where it prints all its settings, past the callback */
}

static char *dashed(const char *name)
{
	size_t n = strlen(name) + 2;
	char *s = xcalloc(n, 1);

	(void)snprintf(s, n, "-%s", name);
	return s;
}

ps_decoder_t *pocketsphinx_compat_open(const struct engine_param *settings, size_t n)
{
	char **argv = xcalloc(2 * n + 1, sizeof *argv);
	ps_decoder_t *ps = NULL;
	cmd_ln_t *config;

	for (size_t i = 0; i < n; i++) {
		argv[2 * i] = dashed(settings[i].key);
		argv[2 * i + 1] = xstrdup(settings[i].value);
	}
	config = cmd_ln_parse_r(NULL, ps_args(), (int)(2 * n), argv, TRUE);
	if (config != NULL)
		ps = ps_init(config);
	cmd_ln_free_r(config);
	for (size_t i = 0; i < 2 * n; i++)
		free(argv[i]);
	free(argv);
	return ps;
}

static fsg_model_t *read_grammar(ps_decoder_t *ps, char *grammar, size_t n)
{
	FILE *from = fmemopen(grammar, n, "r");
	fsg_model_t *model = NULL;

	if (from == NULL)
		return NULL;
	model = fsg_model_read(
	    from, ps_get_logmath(ps), (float32)cmd_ln_float32_r(ps_get_config(ps), "-lw"));
	(void)fclose(from);
	return model;
}

/* Without a lattice at the end, which takes minutes for many phrases, and from which nothing is learnt of how sure it is. */
static int add_search(ps_decoder_t *ps, fsg_model_t *model)
{
	cmd_ln_t *config = ps_get_config(ps);
	bool bestpath = cmd_ln_boolean_r(config, "-bestpath");
	int rc;

	cmd_ln_set_boolean_r(config, "-bestpath", FALSE);
	rc = ps_set_fsg(ps, grammar_name, model);
	cmd_ln_set_boolean_r(config, "-bestpath", bestpath);
	return rc;
}

int pocketsphinx_compat_search(ps_decoder_t *ps, char *grammar, size_t n, struct error *err)
{
	fsg_model_t *model = read_grammar(ps, grammar, n);
	int rc = model == NULL ? -1 : add_search(ps, model);

	if (model != NULL)
		fsg_model_free(model); /* the search has its own hold of it */
	if (rc == 0 && ps_set_search(ps, grammar_name) < 0) {
		(void)ps_unset_search(ps, grammar_name);
		rc = -1;
	}
	return rc == 0 ? 0 : error_set(err, ERROR_ENGINE, "the phrases cannot be searched");
}

int pocketsphinx_compat_search_own(ps_decoder_t *ps, const char *own, struct error *err)
{
	if (ps_set_search(ps, own) < 0)
		return error_set(err, ERROR_ENGINE, "the search of the model is gone");
	(void)ps_unset_search(ps, grammar_name);
	return 0;
}

/* The only one there is: ps_get_search, which would name it, loses 24 bytes at each call. */
const char *pocketsphinx_compat_searched(ps_decoder_t *ps)
{
	ps_search_iter_t *at = ps_search_iter(ps);
	const char *name = at == NULL ? NULL : ps_search_iter_val(at);

	if (at != NULL)
		ps_search_iter_free(at);
	return name;
}

long pocketsphinx_compat_frames_per_s(ps_decoder_t *ps)
{
	return cmd_ln_int_r(ps_get_config(ps), "-frate");
}

void pocketsphinx_compat_restart(ps_decoder_t *ps)
{
	cmd_ln_t *config = ps_get_config(ps);

	(void)ps_start_stream(ps); /* the noise estimate, and what word times count from */
	if (cmd_ln_boolean_r(config, "-dither"))
		genrand_seed((unsigned long)cmd_ln_int_r(config, "-seed"));
}

static void put_u32(uint8_t *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get_u32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	    (uint32_t)at[3] << 24;
}

static void put_floats(uint8_t *at, const mfcc_t *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		float value = values[i];
		uint32_t bits;

		memcpy(&bits, &value, sizeof bits);
		put_u32(at + 4 * i, bits);
	}
}

static void get_floats(const uint8_t *at, mfcc_t *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t bits = get_u32(at + 4 * i);
		float value;

		memcpy(&value, &bits, sizeof value);
		values[i] = value;
	}
}

/* NULL for a model that does without, or one whose vector is no cepstrum. */
static cmn_t *mean_of(ps_decoder_t *ps)
{
	cmn_t *cmn = ps_get_feat(ps)->cmn_struct;

	return cmn != NULL && cmn->veclen > 0 && cmn->veclen <= VECTOR_MAX ? cmn : NULL;
}

size_t pocketsphinx_compat_adaptation(ps_decoder_t *ps, uint8_t out[POCKETSPHINX_ADAPTATION_MAX])
{
	const cmn_t *cmn = mean_of(ps);
	size_t n;

	if (cmn == NULL)
		return 0;
	n = (size_t)cmn->veclen;
	put_u32(out, MAGIC);
	put_u32(out + 4, (uint32_t)n);
	put_u32(out + 8, (uint32_t)cmn->nframe);
	put_floats(out + HEADER_BYTES, cmn->cmn_mean, n);
	put_floats(out + HEADER_BYTES + 4 * n, cmn->sum, n);
	return HEADER_BYTES + 8 * n;
}

static bool are_sane(const mfcc_t *values, size_t n, float max)
{
	for (size_t i = 0; i < n; i++)
		if (!isfinite(values[i]) || fabsf(values[i]) > max)
			return false;
	return true;
}

int pocketsphinx_compat_adapt(ps_decoder_t *ps, const uint8_t *bytes, size_t n, struct error *err)
{
	mfcc_t mean[VECTOR_MAX], sum[VECTOR_MAX];
	cmn_t *cmn = mean_of(ps);
	size_t length = cmn == NULL ? 0 : (size_t)cmn->veclen;
	size_t want = cmn == NULL ? 0 : HEADER_BYTES + 8 * length;

	if (n != want)
		return error_set(err, ERROR_INVALID,
		    "adaptation of %zu bytes; those of this model have %zu", n, want);
	if (n == 0)
		return 0;
	get_floats(bytes + HEADER_BYTES, mean, length);
	get_floats(bytes + HEADER_BYTES + 4 * length, sum, length);
	if (get_u32(bytes) != MAGIC || get_u32(bytes + 4) != length ||
	    get_u32(bytes + 8) > FRAMES_MAX || !are_sane(mean, length, 1e4f) ||
	    !are_sane(sum, length, 1e4f * FRAMES_MAX))
		return error_set(
		    err, ERROR_INVALID, "adaptation that is none of this version of PocketSphinx");
	memcpy(cmn->cmn_mean, mean, length * sizeof *mean);
	memcpy(cmn->sum, sum, length * sizeof *sum);
	cmn->nframe = (int32)get_u32(bytes + 8);
	return 0;
}
