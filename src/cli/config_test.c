/* What files and assignments make of the settings: each way to get them wrong has its sentence, and the defaults are those that
 * the manual says. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/util.h"
#include "cli/config.h"
#include "cli/config_table.h"
#include "cli/config_value.h"

static int read_text(struct config **out, const char *text, struct error *err)
{
	FILE *from = tmpfile();
	int rc;

	assert_non_null(from);
	(void)fputs(text, from);
	rewind(from);
	rc = config_read(out, from, "test.conf", err);
	(void)fclose(from);
	if (rc == 0 && (rc = config_finish(*out, err)) != 0)
		config_free(out);
	return rc;
}

static struct config *read_good(const char *text)
{
	struct error err = ERROR_INIT;
	struct config *c = NULL;

	if (read_text(&c, text, &err) != 0)
		fail_msg("%s", err.text);
	return c;
}

static struct config *read_nothing(void)
{
	struct error err = ERROR_INIT;
	struct config *c = NULL;

	assert_int_equal(config_load(&c, NULL, &err), 0);
	return c;
}

struct row {
	const char *name, *text, *want;
};

static const struct row wrong_files[] = {
	{ "an unknown section is named with what was meant", "\n[serve]\n",
	    "test.conf:2: [serve]: there is no section serve; did you mean server?" },
	{ "a section like none is answered with the list", "[banana x]\n",
	    "test.conf:1: [banana x]: there is no section banana; there are [server], [listen "
	    "NAME], [pool NAME] and [vad]" },
	{ "an unknown key is named with what was meant", "[pool en]\nmin = 1\nmx = 3\n",
	    "test.conf:3: [pool en] mx: there is no such setting; did you mean max?" },
	{ "a key like none is only refused", "[pool en]\nfrobnicate = 3\n",
	    "test.conf:2: [pool en] frobnicate: there is no such setting" },
	{ "a key of another section is sent there", "[pool en]\nmax_sessions = 3\n",
	    "test.conf:2: [pool en] max_sessions: there is no such setting here; it belongs in "
	    "[server]" },
	{ "a key before all sections is refused", "max = 1\n",
	    "test.conf:1: max stands before the first [section]" },
	{ "trailing letters make no number", "[pool en]\nmax = 8x\n",
	    "test.conf:2: [pool en] max: 8x is not a whole number; allowed is 1 to 1024 "
	    "instances" },
	{ "a sign makes no number", "[pool en]\nmax = -1\n",
	    "test.conf:2: [pool en] max: -1 is not a whole number; allowed is 1 to 1024 "
	    "instances" },
	{ "an empty value is no number", "[pool en]\nmax =\n",
	    "test.conf:2: [pool en] max: an empty value is not a whole number; allowed is 1 to "
	    "1024 instances" },
	{ "a number that no integer holds is out of range",
	    "[pool en]\nmax = 99999999999999999999999\n",
	    "test.conf:2: [pool en] max: 99999999999999999999999 is out of range; allowed is 1 to "
	    "1024 instances" },
	{ "a value over its bound names unit and range", "[server]\nmax_header_bytes = 1048577\n",
	    "test.conf:2: [server] max_header_bytes: 1048577 is out of range; allowed is 1024 to "
	    "1048576 bytes" },
	{ "a value under its bound names unit and range", "[server]\nsession_buffer_ms = 999\n",
	    "test.conf:2: [server] session_buffer_ms: 999 is out of range; allowed is 1000 to "
	    "600000 ms" },
	{ "a real number is strict too", "[vad]\nvad_sensitivity = 1e-1\n",
	    "test.conf:2: [vad] vad_sensitivity: 1e-1 is not a number; allowed is 0 to 1" },
	{ "two points are no number", "[vad]\nvad_sensitivity = 0.5.1\n",
	    "test.conf:2: [vad] vad_sensitivity: 0.5.1 is not a number; allowed is 0 to 1" },
	{ "a word is answered with the words there are", "[pool en]\nrefresh = daily\n",
	    "test.conf:2: [pool en] refresh: daily is not one of the words; allowed is utterance, "
	    "session or reset" },
	{ "a host alone is no address", "[listen a]\naddress = localhost\n",
	    "test.conf:2: [listen a] address: localhost is not an address; allowed is HOST:PORT, "
	    "[IPV6]:PORT, or :PORT for all "
	    "addresses" },
	{ "a port has 16 bits", "[listen a]\naddress = :65536\n",
	    "test.conf:2: [listen a] address: :65536 is not an address; allowed is HOST:PORT, "
	    "[IPV6]:PORT, or :PORT for all "
	    "addresses" },
	{ "an IPv6 address has brackets", "[listen a]\naddress = ::1:80\n",
	    "test.conf:2: [listen a] address: ::1:80 is not an address; allowed is HOST:PORT, "
	    "[IPV6]:PORT, or :PORT for all "
	    "addresses" },
	{ "a key given twice names the first line", "[pool en]\nmax = 1\n\n[pool en]\nmax = 1\n",
	    "test.conf:5: [pool en] max: this is given twice; first in line 2" },
	{ "a parameter given twice is refused", "[pool en]\nparam.beam = 1\nparam.beam = 2\n",
	    "test.conf:3: [pool en] param.beam: the parameter beam is given twice" },
	{ "a parameter is the same under both names", "[pool en]\nmodel = a\nparam.model = b\n",
	    "test.conf:3: [pool en] param.model: the parameter model is given twice" },
	{ "a line without = is refused", "[pool en]\n# fine\nmax 8\n",
	    "test.conf:3: this is neither a [section] nor a setting, KEY = VALUE" },
	{ "an open bracket is refused", "[pool en\nmax = 8\n",
	    "test.conf:1: this is neither a [section] nor a setting, KEY = VALUE" },
	{ "the first of two errors is told, bad line first", "[server]\nbad\nworse = 1\n",
	    "test.conf:2: this is neither a [section] nor a setting, KEY = VALUE" },
	{ "the first of two errors is told, bad key first", "[server]\nworse = 1\nbad\n",
	    "test.conf:2: [server] worse: there is no such setting" },
	{ "a continued line is a line of its own", "[pool en]\nmodel = a\n    b\n",
	    "test.conf:3: this is neither a [section] nor a setting, KEY = VALUE" },
	{ "a pool needs a name", "[pool]\n",
	    "test.conf:1: [pool]: section pool needs a name, such as [pool en]" },
	{ "the server has no name", "[server a]\n",
	    "test.conf:1: [server a]: section server has no name" },
	{ "a name has no dot", "[pool a.b]\n",
	    "test.conf:1: [pool a.b]: a.b cannot be the name of a pool; allowed are up to 31 "
	    "letters, digits, _ and -" },
	{ "a name has a bound", "[pool a2345678901234567890123456789012]\n",
	    "test.conf:1: [pool a2345678901234567890123456789012]: "
	    "a2345678901234567890123456789012 cannot be the name of a "
	    "pool; allowed are up to 31 letters, digits, _ and -" },
	{ "min over max is refused", "[pool en]\nmin = 4\nmax = 2\n",
	    "[pool en] min: 4 is more than max, which is 2" },
	{ "a first pause over the longest is refused",
	    "[pool en]\nbackoff_min_ms = 2\nbackoff_max_ms = 1\n",
	    "[pool en] backoff_min_ms: 2 is more than backoff_max_ms, which is 1" },
	{ "all addresses without keys are refused", "[listen a]\naddress = 0.0.0.0:8080\n",
	    "listening on 0.0.0.0:8080 without keys would let anybody in; set keys_file, or "
	    "allow_open = yes" },
	{ "one listener of two without keys is refused",
	    "[listen a]\naddress = [::1]:1\n[listen b]\naddress = :1\n",
	    "listening on :1 without keys would let anybody in; set keys_file, or allow_open = "
	    "yes" },
	{ "a pool without an engine is refused", "[pool en]\nengine =\n",
	    "[pool en] engine: an empty value names no engine" },
	{ "an utterance cannot be longer than the longest",
	    "[vad]\nmin_utterance_ms = 5000\nmax_utterance_ms = 4000\n",
	    "[vad] min_utterance_ms: 5000 is more than max_utterance_ms, which is 4000" },
};

static void test_wrong_file(void **state)
{
	const struct row *r = *state;
	struct error err = ERROR_INIT;
	struct config *c = NULL;

	assert_int_equal(read_text(&c, r->text, &err), -1);
	assert_null(c);
	assert_string_equal(err.text, r->want);
	assert_int_equal(err.code, ERROR_CONFIG);
}

static const struct row wrong_sets[] = {
	{ "set: an unknown key", "pool.en.mx=3",
	    "pool.en.mx: there is no such setting; did you mean max?" },
	{ "set: an unknown section", "pol.en.max=3",
	    "there is no section pol; did you mean pool?" },
	{ "set: a bad value", "pool.en.max=0",
	    "pool.en.max: 0 is out of range; allowed is 1 to 1024 instances" },
	{ "set: no key", "pool.max=3", "pool.max has no key; write pool.NAME.KEY=VALUE" },
	{ "set: no value", "server.max_sessions",
	    "server.max_sessions is not a setting; write SECTION.KEY=VALUE, such as pool.en.max=8 "
	    "or server.max_sessions=10" },
	{ "set: no section", "max=3.5",
	    "max=3.5 is not a setting; write SECTION.KEY=VALUE, such as pool.en.max=8 or "
	    "server.max_sessions=10" },
	{ "set: a pool that the file does not name", "pool.fr.max=3",
	    "pool.fr: the file names no such pool; it names en, de" },
	{ "set: a listener that the file does not name", "listen.b.address=:1",
	    "listen.b: the file names no such listen; it names a" },
};

static void test_wrong_set(void **state)
{
	const struct row *r = *state;
	struct error err = ERROR_INIT;
	struct config *c = read_good("[pool en]\n[pool de]\n[listen a]\n");

	assert_int_equal(config_set(c, r->text, &err), -1);
	assert_string_equal(err.text, r->want);
	config_free(&c);
}

static void test_defaults(void **state)
{
	struct config *c = read_good("");

	(void)state;
	assert_int_equal(c->log_level, LOG_INFO);
	assert_int_equal(c->max_sessions, 1000);
	assert_int_equal(c->http.max_body_bytes, 26214400);
	assert_int_equal(c->http.max_message_bytes, 16777216);
	assert_int_equal(c->session.buffer_ms, 60000);
	assert_int_equal(c->session.partial_interval_ms, 300);
	assert_int_equal(c->listens_n, 1);
	assert_string_equal(c->listens[0].name, "main");
	assert_string_equal(c->listens[0].address, "localhost:8080");
	assert_int_equal(c->pools_n, 1);
	assert_string_equal(c->pools[0].name, "en");
	assert_string_equal(c->pools[0].engine, "auto");
	assert_int_equal(c->pools[0].pool.min, 1);
	assert_int_equal(c->pools[0].pool.refresh, REFRESH_UTTERANCE);
	assert_int_equal(c->pools[0].pool.queue_max, 100);
	assert_int_equal(c->pools[0].load_timeout_ms, 120000);
	assert_null(c->pools[0].warmup);
	assert_int_equal(c->pools[0].params_n, 0);
	config_free(&c);
}

/* What may listen where. */
static void test_open_listeners(void **state)
{
	static const char *const good[] = {
		"[listen a]\naddress = 127.1.2.3:1\n[listen b]\naddress = localhost:1\n",
		"[listen a]\naddress = [::1]:1\n",
		"[server]\nallow_open = yes\n[listen a]\naddress = :1\n",
		"[server]\nkeys_file = keys\n[listen a]\naddress = example.org:1\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct config *c = read_good(good[i]);

		config_free(&c);
	}
}

static void test_the_defaults_of_vad_are_those_of_the_ear(void **state)
{
	const struct endpoint_config want = ENDPOINT_CONFIG_DEFAULT;
	struct config *c = read_nothing();

	(void)state;
	assert_int_equal(c->endpoint.endpointing, want.endpointing);
	assert_true(c->endpoint.vad_sensitivity == want.vad_sensitivity);
	assert_int_equal(c->endpoint.pre_roll_ms, want.pre_roll_ms);
	assert_int_equal(c->endpoint.min_speech_ms, want.min_speech_ms);
	assert_int_equal(c->endpoint.post_silence_ms, want.post_silence_ms);
	assert_int_equal(c->endpoint.early_final_ms, want.early_final_ms);
	assert_int_equal(c->endpoint.min_utterance_ms, want.min_utterance_ms);
	assert_int_equal(c->endpoint.max_utterance_ms, want.max_utterance_ms);
	config_free(&c);
}

static void test_every_default_is_in_its_own_range(void **state)
{
	(void)state;
	for (unsigned i = 0; i < config_table_n; i++) {
		const struct config_row *row = &config_table[i];
		union {
			struct config c;
			struct config_pool p;
			struct config_listen l;
		} object = { 0 };
		struct error err = ERROR_INIT;
		char initial[CONFIG_INITIAL_BYTES];

		assert_true(row->initial == NULL || strlen(row->initial) < sizeof initial);
		config_value_initial(row, initial, sizeof initial);
		if (*initial != '\0' &&
		    config_value_apply(row, &object, row->key, initial, &err) != 0)
			fail_msg("%s: %s", row->key, err.text);
		config_value_done(row->section, &object);
	}
}

static void test_a_whole_file_is_read(void **state)
{
	struct config *c = read_good("\xef\xbb\xbf[server]\r\n"
				     "; a comment\n"
				     "log_level=debug ; said behind the value\n"
				     "  max_sessions :\t 7  \n"
				     "[ listen   outside ]\n"
				     "address = [::1]:80\n"
				     "[listen inside]\n"
				     "[pool fr-small]\n"
				     "engine = fake\n"
				     "warmup =\n"
				     "param.greeting = a=b:c\n"
				     "model = /m\n"
				     "[vad]\n"
				     "endpointing = manual\n"
				     "vad_sensitivity = 0.25");

	(void)state;
	assert_int_equal(c->log_level, LOG_DEBUG);
	assert_int_equal(c->max_sessions, 7);
	assert_int_equal(c->listens_n, 2);
	assert_string_equal(c->listens[0].name, "outside");
	assert_string_equal(c->listens[0].address, "[::1]:80");
	assert_string_equal(c->listens[1].address, "localhost:8080");
	assert_int_equal(c->pools_n, 1);
	assert_string_equal(c->pools[0].name, "fr-small");
	assert_string_equal(c->pools[0].engine, "fake");
	assert_string_equal(c->pools[0].warmup, "");
	assert_string_equal(c->pools[0].params[0], "greeting=a=b:c");
	assert_string_equal(c->pools[0].params[1], "model=/m");
	assert_null(c->pools[0].params[2]);
	assert_int_equal(c->endpoint.endpointing, ENDPOINTING_MANUAL);
	assert_true(c->endpoint.vad_sensitivity == 0.25);
	config_free(&c);
}

static void test_set_takes_the_place_of_the_file(void **state)
{
	struct config *c = read_good("[pool en]\nmax = 3\nparam.beam = 1\n");
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(config_set(c, "pool.en.max=8", &err), 0);
	assert_int_equal(config_set(c, "pool.en.param.beam=2.5", &err), 0);
	assert_int_equal(config_set(c, "vad.post_silence_ms=800", &err), 0);
	assert_int_equal(config_set(c, "server.max_sessions=10", &err), 0);
	assert_int_equal(c->pools[0].pool.max, 8);
	assert_string_equal(c->pools[0].params[0], "beam=2.5");
	assert_int_equal(c->pools[0].params_n, 1);
	assert_int_equal(c->endpoint.post_silence_ms, 800);
	assert_int_equal(c->max_sessions, 10);
	config_free(&c);
}

static void test_set_makes_a_pool_where_no_file_names_one(void **state)
{
	struct config *c = read_nothing();
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(config_set(c, "pool.en.max=2", &err), 0);
	assert_int_equal(config_set(c, "pool.de.engine=fake", &err), 0);
	assert_int_equal(config_finish(c, &err), 0);
	assert_int_equal(c->pools_n, 2);
	assert_string_equal(c->pools[0].name, "en");
	assert_int_equal(c->pools[0].pool.max, 2);
	assert_string_equal(c->pools[0].engine, "auto");
	assert_string_equal(c->pools[1].engine, "fake");
	config_free(&c);
}

static void test_listen_takes_the_place_of_all_listeners(void **state)
{
	struct config *c = read_good("[listen a]\n[listen b]\n");
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(config_listen_only(c, "127.0.0.1:0", &err), 0);
	assert_int_equal(config_listen_only(c, "[::1]:0", &err), 0);
	assert_int_equal(config_listen_only(c, "here", &err), -1);
	assert_string_equal(err.text,
	    "here is not an address; allowed is HOST:PORT, [IPV6]:PORT, or :PORT for all "
	    "addresses");
	assert_string_equal(c->listens[0].address, "127.0.0.1:0");
	assert_string_equal(c->listens[1].address, "[::1]:0");
	config_free(&c);
}

static void test_a_long_line_is_refused_with_its_number(void **state)
{
	struct error err = ERROR_INIT;
	struct config *c = NULL;
	char text[5000];

	(void)state;
	memset(text, 'x', sizeof text);
	memcpy(text, "[pool en]\nmodel = ", 18);
	text[sizeof text - 1] = '\0';
	assert_int_equal(read_text(&c, text, &err), -1);
	assert_memory_equal(err.text, "test.conf:2: the line is too long; at most ", 43);
}

static void test_a_zero_byte_is_refused(void **state)
{
	static char text[] = "[server]\nmax_\0sessions = 1\n";
	FILE *from = fmemopen(text, sizeof text - 1, "r");
	struct error err = ERROR_INIT;
	struct config *c = NULL;

	(void)state;
	assert_non_null(from);
	assert_int_equal(config_read(&c, from, "test.conf", &err), -1);
	assert_string_equal(
	    err.text, "test.conf:2: there is a zero byte in this line; is this a text file?");
	(void)fclose(from);
}

static void test_a_file_that_cannot_be_read_is_named(void **state)
{
	struct error err = ERROR_INIT;
	struct config *c = NULL;

	(void)state;
	assert_int_equal(config_load(&c, "/nonexistent/stenopool.conf", &err), -1);
	assert_string_equal(
	    err.text, "cannot read /nonexistent/stenopool.conf: No such file or directory");
	assert_int_equal(config_load(&c, "/", &err), -1);
	assert_string_equal(err.text, "cannot read /: Is a directory");
}

static void test_too_many_pools_and_params_are_refused(void **state)
{
	struct config *c = read_nothing();
	struct error err = ERROR_INIT;
	char text[64];
	int i;

	(void)state;
	for (i = 0; i < CONFIG_POOLS_MAX; i++) {
		(void)snprintf(text, sizeof text, "pool.p%d.max=1", i);
		assert_int_equal(config_set(c, text, &err), 0);
	}
	assert_int_equal(config_set(c, "pool.more.max=1", &err), -1);
	assert_string_equal(err.text, "there can be at most 32 pools");
	for (i = 0; i < CONFIG_PARAMS_MAX; i++) {
		(void)snprintf(text, sizeof text, "pool.p0.param.k%d=1", i);
		assert_int_equal(config_set(c, text, &err), 0);
	}
	assert_int_equal(config_set(c, "pool.p0.param.more=1", &err), -1);
	assert_string_equal(
	    err.text, "pool.p0.param.more: a pool has at most 64 parameters for its engine");
	config_free(&c);
}

static void test_the_help_is_a_file_that_says_the_defaults(void **state)
{
	struct config *c, *want = read_good("");
	char *text = NULL;
	size_t n;
	FILE *to = open_memstream(&text, &n);

	(void)state;
	config_print_help(to, NULL);
	(void)fclose(to);
	c = read_good(text);
	assert_string_equal(c->listens[0].name, want->listens[0].name);
	assert_string_equal(c->pools[0].name, want->pools[0].name);
	assert_memory_equal(&c->http, &want->http, sizeof c->http);
	config_free(&c);
	for (char *p = text; (p = strstr(p, "\n;")) != NULL; p++)
		p[1] = ' ';
	c = read_good(text);
	assert_int_equal(c->http.trusted_proxies.n, 2); /* what stands for a value of it is one */
	c->http.trusted_proxies = want->http.trusted_proxies;
	assert_memory_equal(&c->http, &want->http, sizeof c->http);
	assert_memory_equal(&c->pools[0].pool, &want->pools[0].pool, sizeof c->pools[0].pool);
	assert_string_equal(c->pools[0].params[0], "model=PATH");
	config_free(&c);
	config_free(&want);
	free(text);
}

static void make_tests(struct CMUnitTest *to, struct row *rows, size_t n, CMUnitTestFunction f)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (struct CMUnitTest){ rows[i].name, f, NULL, NULL, &rows[i] };
}

int main(void)
{
	const struct CMUnitTest single[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_open_listeners),
		cmocka_unit_test(test_the_defaults_of_vad_are_those_of_the_ear),
		cmocka_unit_test(test_every_default_is_in_its_own_range),
		cmocka_unit_test(test_a_whole_file_is_read),
		cmocka_unit_test(test_set_takes_the_place_of_the_file),
		cmocka_unit_test(test_set_makes_a_pool_where_no_file_names_one),
		cmocka_unit_test(test_listen_takes_the_place_of_all_listeners),
		cmocka_unit_test(test_a_long_line_is_refused_with_its_number),
		cmocka_unit_test(test_a_zero_byte_is_refused),
		cmocka_unit_test(test_a_file_that_cannot_be_read_is_named),
		cmocka_unit_test(test_too_many_pools_and_params_are_refused),
		cmocka_unit_test(test_the_help_is_a_file_that_says_the_defaults),
	};
	static struct row rows[ARRAY_SIZE(wrong_files) + ARRAY_SIZE(wrong_sets)];
	struct CMUnitTest files[ARRAY_SIZE(wrong_files)], sets[ARRAY_SIZE(wrong_sets)];
	int failed;

	memcpy(rows, wrong_files, sizeof wrong_files);
	memcpy(rows + ARRAY_SIZE(files), wrong_sets, sizeof wrong_sets);
	make_tests(files, rows, ARRAY_SIZE(files), test_wrong_file);
	make_tests(sets, rows + ARRAY_SIZE(files), ARRAY_SIZE(sets), test_wrong_set);
	failed = cmocka_run_group_tests_name("config", single, NULL, NULL);
	failed += cmocka_run_group_tests_name("config: wrong files", files, NULL, NULL);
	failed += cmocka_run_group_tests_name("config: wrong assignments", sets, NULL, NULL);
	return failed;
}
