#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "cli/config.h"
#include "cli/config_diff.h"

static const char base[] =
    "[server]\nmax_sessions = 10\nlog_level = info\n"
    "[listen a]\naddress = 127.0.0.1:80\n"
    "[pool en]\nmax = 4\nrefresh = utterance\nmodel = /m/en\nparam.beam = 1\n"
    "[pool de]\nmax = 2\n"
    "[vad]\nvad_sensitivity = 0.5\n";

static struct config *read_text(const char *text)
{
	struct error err = ERROR_INIT;
	struct config *c = NULL;
	FILE *from = tmpfile();

	assert_non_null(from);
	(void)fputs(text, from);
	rewind(from);
	if (config_read(&c, from, "test.conf", &err) != 0 || config_finish(c, &err) != 0)
		fail_msg("%s", err.text);
	(void)fclose(from);
	return c;
}

/* The base with `what` in it replaced by `with`. */
static struct config *read_changed(const char *what, const char *with)
{
	char text[sizeof base + 256];
	const char *at = strstr(base, what);

	assert_non_null(at);
	(void)snprintf(
	    text, sizeof text, "%.*s%s%s", (int)(at - base), base, with, at + strlen(what));
	return read_text(text);
}

static void note(void *arg, const struct config_change *c)
{
	static const char letters[] = "?LMRS";
	char *all = arg;
	size_t used = strlen(all);

	(void)snprintf(all + used, 1000 - used, "%c %s\n", letters[c->effect], c->text);
}

struct row {
	const char *name, *what, *with, *want;
	bool stays; /* adopted, it is still a difference */
};

static const struct row rows[] = {
	{ "nothing changed is no difference", "max = 4", "max = 4", "", false },
	{ "a number", "max_sessions = 10", "max_sessions = 20",
	    "L server.max_sessions was changed from 10 to 20\n", false },
	{ "a word", "log_level = info", "log_level = debug",
	    "L server.log_level was changed from info to debug\n", false },
	{ "a size that fell back to its default", "[listen", "max_body_bytes = 5000\n[listen",
	    "L server.max_body_bytes was changed from 26214400 to 5000\n", false },
	{ "a real number", "0.5", "0.25", "L vad.vad_sensitivity was changed from 0.5 to 0.25\n",
	    false },
	{ "a text that was empty", "[listen", "poison_dir = /p\n[listen",
	    "L server.poison_dir was changed from empty to /p\n", false },
	{ "a pool's number", "max = 4", "max = 8", "L pool.en.max was changed from 4 to 8\n",
	    false },
	{ "a pool's model", "/m/en", "/m/new", "M pool.en.model was changed from /m/en to /m/new\n",
	    false },
	{ "an engine", "[pool de]\n", "[pool de]\nengine = fake\n",
	    "M pool.de.engine was changed from auto to fake\n", false },
	{ "a warm-up clip that was unset", "[pool de]\n", "[pool de]\nwarmup =\n",
	    "M pool.de.warmup was changed from unset to empty\n", false },
	{ "a parameter that goes and one that comes", "param.beam = 1", "param.wip = 2",
	    "M pool.en.param.beam was changed from 1 to unset\n"
	    "M pool.en.param.wip was changed from unset to 2\n",
	    false },
	{ "what needs a restart stays a difference", "refresh = utterance", "refresh = session",
	    "R pool.en.refresh was changed from utterance to session\n", true },
	{ "an address", "127.0.0.1:80", "127.0.0.1:81",
	    "S listen.a.address was changed from 127.0.0.1:80 to 127.0.0.1:81\n", true },
	{ "a pool that goes and one that comes", "[pool de]", "[pool fr]",
	    "R pool.de was removed\nR pool.fr was added\n", true },
	{ "other pools for finals", "[pool de]\n", "[pool de]\nfinals = en\n",
	    "L pool.de.finals was changed from empty to en\n", false },
	{ "a listener more", "[pool en]", "[listen b]\naddress = 127.0.0.1:90\n[pool en]",
	    "S listen.b was added\n", true },
	{ "pools in another order are the same", "[pool en]\nmax = 4",
	    "[pool de]\n[pool en]\nmax = 4", "", false },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct config *from = read_text(base), *to = read_changed(r->what, r->with);
	char told[1000] = "", again[1000] = "";

	config_diff(from, to, note, told);
	assert_string_equal(told, r->want);
	config_adopt(from, to);
	config_diff(from, to, note, again);
	assert_string_equal(again, r->stays ? r->want : "");
	config_free(&to); /* what was adopted has texts of its own */
	config_diff(from, from, note, again);
	config_free(&from);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL,
			(void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests_name("config_diff", tests, NULL, NULL);
}
