/* A settings file of any bytes, then each of its lines as an assignment of --set: what is read stays in its ranges, what is
 * refused comes with a sentence. */
#define _GNU_SOURCE
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const struct config *c)
{
	assert(c->max_sessions >= 1 && c->max_sessions <= 100000);
	assert(c->endpoint.vad_sensitivity >= 0 && c->endpoint.vad_sensitivity <= 1);
	for (unsigned i = 0; i < c->listens_n; i++)
		assert(c->listens[i].address != NULL && *c->listens[i].name != '\0');
	for (unsigned i = 0; i < c->pools_n; i++) {
		assert(c->pools[i].pool.max >= 1 && c->pools[i].pool.max <= 1024);
		assert(c->pools[i].params[c->pools[i].params_n] == NULL);
	}
}

static void set_lines(struct config *c, const uint8_t *data, size_t n)
{
	struct error err = ERROR_INIT;
	char *text = strndup((const char *)data, n), *rest = text, *line;

	while ((line = strsep(&rest, "\n")) != NULL)
		if (config_set(c, line, &err) != 0)
			assert(*err.text != '\0');
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct error err = ERROR_INIT;
	struct config *c = NULL;
	FILE *from = n > 0 ? fmemopen((void *)(uintptr_t)data, n, "r") : NULL;

	if (from == NULL)
		return 0;
	if (config_read(&c, from, "f", &err) != 0) {
		assert(c == NULL && err.code == ERROR_CONFIG && *err.text != '\0');
		(void)config_load(&c, NULL, &err);
	}
	(void)fclose(from);
	set_lines(c, data, n);
	check(c);
	if (config_finish(c, &err) == 0)
		for (unsigned i = 0; i < c->pools_n; i++)
			assert(c->pools[i].pool.min <= c->pools[i].pool.max);
	config_free(&c);
	return 0;
}
