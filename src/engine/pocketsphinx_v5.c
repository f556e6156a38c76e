/* PocketSphinx 5.x: settings are an object, and the cepstral mean goes in and out as text. */
#define _GNU_SOURCE
#include "engine/pocketsphinx_compat.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"

static const char grammar_name[] = "phrases";

enum { HEADER_BYTES = 8, NUMBERS_MAX = 64 };

/* "PSC5", then the bytes of text that follow, in four hex digits: so that none can be missing. */
static void put_header(char header[HEADER_BYTES + 1], size_t text_bytes)
{
	(void)snprintf(header, HEADER_BYTES + 1, "PSC5%04x", (unsigned)text_bytes & 0xffffu);
}

enum pocketsphinx_kind pocketsphinx_compat_kind(const char *name)
{
	for (const ps_arg_t *a = ps_args(); a->name != NULL; a++) {
		if (strcmp(a->name, name) != 0)
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

static void on_message(void *user_data, err_lvl_t level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Lines are like `ERROR: "acmod.c", line 83: Folder ...`. */
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
	(void)err_set_loglevel(ERR_ERROR);
}

ps_decoder_t *pocketsphinx_compat_open(const struct engine_param *settings, size_t n)
{
	ps_config_t *config = ps_config_init(NULL);
	ps_decoder_t *ps = NULL;
	bool fits = config != NULL;

	for (size_t i = 0; i < n && fits; i++)
		fits = ps_config_set_str(config, settings[i].key, settings[i].value) != NULL;
	if (fits)
		ps = ps_init(config);
	ps_config_free(config);
	return ps;
}

static fsg_model_t *read_grammar(ps_decoder_t *ps, char *grammar, size_t n)
{
	FILE *from = fmemopen(grammar, n, "r");
	fsg_model_t *model = NULL;

	if (from == NULL)
		return NULL;
	model = fsg_model_read(
	    from, ps_get_logmath(ps), (float32)ps_config_float(ps_get_config(ps), "lw"));
	(void)fclose(from);
	return model;
}

/* Without a lattice at the end, which takes minutes for many phrases, and from which nothing is learnt of how sure it is. */
static int add_search(ps_decoder_t *ps, fsg_model_t *model)
{
	ps_config_t *config = ps_get_config(ps);
	bool bestpath = ps_config_bool(config, "bestpath");
	int rc;

	(void)ps_config_set_bool(config, "bestpath", FALSE);
	rc = ps_add_fsg(ps, grammar_name, model);
	(void)ps_config_set_bool(config, "bestpath", bestpath);
	return rc;
}

int pocketsphinx_compat_search(ps_decoder_t *ps, char *grammar, size_t n, struct error *err)
{
	fsg_model_t *model = read_grammar(ps, grammar, n);
	int rc = model == NULL ? -1 : add_search(ps, model);

	if (model != NULL)
		fsg_model_free(model); /* the search has its own hold of it */
	if (rc == 0 && ps_activate_search(ps, grammar_name) < 0) {
		(void)ps_remove_search(ps, grammar_name);
		rc = -1;
	}
	return rc == 0 ? 0 : error_set(err, ERROR_ENGINE, "the phrases cannot be searched");
}

int pocketsphinx_compat_search_own(ps_decoder_t *ps, const char *own, struct error *err)
{
	if (ps_activate_search(ps, own) < 0)
		return error_set(err, ERROR_ENGINE, "the search of the model is gone");
	(void)ps_remove_search(ps, grammar_name);
	return 0;
}

const char *pocketsphinx_compat_searched(ps_decoder_t *ps)
{
	return ps_current_search(ps);
}

long pocketsphinx_compat_frames_per_s(ps_decoder_t *ps)
{
	return ps_config_int(ps_get_config(ps), "frate");
}

void pocketsphinx_compat_restart(ps_decoder_t *ps)
{
	(void)ps_start_stream(ps); /* the noise estimate */
}

size_t pocketsphinx_compat_adaptation(ps_decoder_t *ps, uint8_t out[POCKETSPHINX_ADAPTATION_MAX])
{
	const char *mean = ps_get_cmn(ps, 0);
	size_t n = mean == NULL ? 0 : strlen(mean);
	char header[HEADER_BYTES + 1];

	if (n == 0 || n > POCKETSPHINX_ADAPTATION_MAX - HEADER_BYTES)
		return 0;
	put_header(header, n);
	memcpy(out, header, HEADER_BYTES);
	memcpy(out + HEADER_BYTES, mean, n);
	return HEADER_BYTES + n;
}

/* How many numbers of sane size a comma-separated list has; 0 for anything else. */
static size_t count_numbers(const char *list)
{
	size_t n = 0;

	for (const char *at = list; n < NUMBERS_MAX; at++) {
		char *end;
		double value = strtod(at, &end);

		if (end == at || !isfinite(value) || fabs(value) > 1e4)
			return 0;
		n++;
		at = end;
		if (*at == '\0')
			return n;
		if (*at != ',')
			return 0;
	}
	return 0;
}

int pocketsphinx_compat_adapt(ps_decoder_t *ps, const uint8_t *bytes, size_t n, struct error *err)
{
	char mean[POCKETSPHINX_ADAPTATION_MAX], header[HEADER_BYTES + 1];
	const char *now = ps_get_cmn(ps, 0);
	size_t text = n < HEADER_BYTES ? 0 : n - HEADER_BYTES;

	if (now == NULL && n == 0)
		return 0;
	put_header(header, text);
	if (now == NULL || text == 0 || n >= sizeof mean ||
	    memcmp(bytes, header, HEADER_BYTES) != 0)
		return error_set(err, ERROR_INVALID,
		    "adaptation of %zu bytes is none of this version of PocketSphinx", n);
	memcpy(mean, bytes + HEADER_BYTES, text);
	mean[text] = '\0';
	if (strlen(mean) != text || count_numbers(mean) == 0 ||
	    count_numbers(mean) != count_numbers(now) || ps_set_cmn(ps, mean) < 0)
		return error_set(err, ERROR_INVALID, "adaptation that is none of this model");
	return 0;
}
