#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "pool/host_config.h"

static struct host_config config(const char *engine, const char *const *params)
{
	return (struct host_config){ .program = "host",
		.name = "en",
		.engine = engine,
		.params = (char *const *)(uintptr_t)params };
}

static struct row {
	const char *name;
	const char *engine;
	const char *params[3];
	bool same;
} rows[] = {
	{ "the same is the same", "fake", { "a=1", "b=2" }, true },
	{ "order does not matter", "fake", { "b=2", "a=1" }, true },
	{ "another engine is a change", "real", { "a=1", "b=2" }, false },
	{ "another value is a change", "fake", { "a=1", "b=3" }, false },
	{ "one parameter less is a change", "fake", { "a=1" }, false },
	{ "another parameter is a change", "fake", { "a=1", "c=2" }, false },
};

static void test_same(void **state)
{
	struct row *r = *state;
	const char *params[] = { "a=1", "b=2", NULL };
	struct host_config was = config("fake", params), is = config(r->engine, r->params);
	struct host_config *copy = host_config_copy(&was);

	is.start_timeout_ms = 7; /* times are no change */
	assert_int_equal(host_config_is_same(copy, &is), r->same);
	assert_int_equal(host_config_is_same(&is, copy), r->same);
	host_config_free(&copy);
	assert_null(copy);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

static void test_stamp(void **state)
{
	char dir[] = "/tmp/stenopool-stamp-XXXXXX", file[64], other[64], param[128];
	const char *params[] = { param, "name=not-a-path", "flag", NULL };
	struct host_config cfg = config("fake", params);
	uint64_t none, written, longer, swapped;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(param, sizeof param, "model=%s", dir);
	(void)snprintf(file, sizeof file, "%s/model", dir);
	(void)snprintf(other, sizeof other, "%s/other", dir);
	none = host_config_stamp(&cfg);
	write_file(file, "one");
	written = host_config_stamp(&cfg);
	assert_int_equal(host_config_stamp(&cfg), written);
	write_file(file, "longer");
	longer = host_config_stamp(&cfg);
	write_file(other, "longer");
	(void)rename(other, file);
	swapped = host_config_stamp(&cfg);
	assert_true(none != written && written != longer && longer != swapped);
	(void)snprintf(param, sizeof param, "command=sh '%s' --fast", file);
	swapped = host_config_stamp(&cfg);
	assert_true(swapped != 0);
	write_file(file, "another");
	assert_true(host_config_stamp(&cfg) != swapped);
	(void)unlink(file);
	(void)rmdir(dir);
	assert_int_equal(host_config_stamp(&cfg), 0);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];
	size_t n = 0;

	for (; n < ARRAY_SIZE(rows); n++)
		tests[n] = (struct CMUnitTest){ rows[n].name, test_same, NULL, NULL, &rows[n] };
	tests[n] = (struct CMUnitTest){ "a file that is written or replaced is seen", test_stamp,
		NULL, NULL, NULL };
	return cmocka_run_group_tests_name("host_config", tests, NULL, NULL);
}
