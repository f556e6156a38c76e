#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "access/keys.h"
#include "base/error.h"
#include "base/util.h"

/* The SHA-256 of "one", "two" and "three". */
#define ONE   "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
#define TWO   "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"
#define THREE "8b5b9db0c13db24256c829aa364aa90c6d2eba318b9232a4ab9313b954d3555f"

/* The linker puts this in the place of OpenSSL's, so that comparisons can be counted. */
int __real_CRYPTO_memcmp(const void *a, const void *b, size_t n);
int __wrap_CRYPTO_memcmp(const void *a, const void *b, size_t n);

static unsigned comparisons;

int __wrap_CRYPTO_memcmp(const void *a, const void *b, size_t n)
{
	assert_int_equal(n, KEYS_DIGEST_BYTES);
	comparisons++;
	return __real_CRYPTO_memcmp(a, b, n);
}

static int read_bytes(struct keys **out, const char *bytes, size_t n, struct error *err)
{
	FILE *from = tmpfile();
	int rc;

	assert_non_null(from);
	(void)fwrite(bytes, 1, n, from);
	rewind(from);
	rc = keys_read(out, from, "keys", err);
	(void)fclose(from);
	return rc;
}

static struct keys *read_good(const char *text)
{
	struct error err = ERROR_INIT;
	struct keys *k = NULL;

	if (read_bytes(&k, text, strlen(text), &err) != 0)
		fail_msg("%s", err.text);
	return k;
}

static const struct row {
	const char *name, *text, *want;
	size_t n; /* 0: up to the zero */
} wrong[] = {
	{ "a line without a colon", "# fine\n\nalice\n",
	    "keys:3: this is no key; a line is NAME:SHA256:OPTIONS, as stenopool keys add writes "
	    "it",
	    0 },
	{ "no name", ":" ONE "\n",
	    "keys:1: \"\" cannot be the name of a key; allowed are 1 to 64 letters, digits, . _ "
	    "and -",
	    0 },
	{ "a space in a name", "al ice:" ONE "\n",
	    "keys:1: \"al ice\" cannot be the name of a key; allowed are 1 to 64 letters, digits, "
	    ". _ "
	    "and -",
	    0 },
	{ "a name of 65 letters",
	    "a2345678901234567890123456789012345678901234567890123456789012345:" ONE "\n",
	    "keys:1: \"a2345678901234567890123456789012345678901234567890123456789012345\" cannot "
	    "be "
	    "the name of a key; allowed are 1 to 64 letters, digits, . _ and -",
	    0 },
	{ "the key itself instead of its digest, which is not quoted", "alice:sp_secret\n",
	    "keys:1: what follows the name is not a SHA-256 of 64 hexadecimal digits; stenopool "
	    "keys "
	    "add writes such a line",
	    0 },
	{ "a digest with a letter too many", "alice:" ONE "0\n",
	    "keys:1: what follows the name is not a SHA-256 of 64 hexadecimal digits; stenopool "
	    "keys "
	    "add writes such a line",
	    0 },
	{ "a digest with a letter that is no digit",
	    "alice:g692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed\n",
	    "keys:1: what follows the name is not a SHA-256 of 64 hexadecimal digits; stenopool "
	    "keys "
	    "add writes such a line",
	    0 },
	{ "an unknown option", "alice:" ONE ":limit=3\n",
	    "keys:1: \"limit=3\" is not an option of a key; allowed is priority=high|normal|low, "
	    "sessions=N, minutes=N, pools=NAME,...",
	    0 },
	{ "an option without a value", "alice:" ONE ":priority\n",
	    "keys:1: \"priority\" is not an option of a key; allowed is priority=high|normal|low, "
	    "sessions=N, minutes=N, pools=NAME,...",
	    0 },
	{ "an empty option", "alice:" ONE ":priority=low,\n",
	    "keys:1: \"\" is not an option of a key; allowed is priority=high|normal|low, "
	    "sessions=N, minutes=N, pools=NAME,...",
	    0 },
	{ "an unknown priority", "alice:" ONE ":priority=urgent\n",
	    "keys:1: priority=urgent is not one of the words; allowed is high, normal or low", 0 },
	{ "an option given twice", "alice:" ONE ":priority=low,priority=high\n",
	    "keys:1: priority is given twice", 0 },
	{ "no sessions at all", "alice:" ONE ":sessions=0\n",
	    "keys:1: sessions=0 is no number of sessions; allowed is 1 to 1000000, or none for no "
	    "limit",
	    0 },
	{ "sessions with a sign", "alice:" ONE ":sessions=+1\n",
	    "keys:1: sessions=+1 is no number of sessions; allowed is 1 to 1000000, or none for no "
	    "limit",
	    0 },
	{ "more minutes than there can be", "\nalice:" ONE ":sessions=3,minutes=1000001\n",
	    "keys:2: minutes=1000001 is no number of minutes an hour; allowed is 1 to 1000000, or "
	    "none for no limit",
	    0 },
	{ "minutes with a unit", "alice:" ONE ":minutes=3min\n",
	    "keys:1: minutes=3min is no number of minutes an hour; allowed is 1 to 1000000, or "
	    "none for no limit",
	    0 },
	{ "an empty list of pools", "alice:" ONE ":pools=\n",
	    "keys:1: pools= is no list of pools; allowed are names separated by commas, 255 bytes "
	    "at most, or all",
	    0 },
	{ "a list of pools with a gap", "alice:" ONE ":pools=en,,de,priority=low\n",
	    "keys:1: pools=en,,de is no list of pools; allowed are names separated by commas, 255 "
	    "bytes at most, or all",
	    0 },
	{ "a list of pools given twice", "alice:" ONE ":pools=en,de,priority=low,pools=fr\n",
	    "keys:1: pools is given twice", 0 },
	{ "a name given twice", "alice:" ONE "\nbob:" TWO "\nalice:" THREE "\n",
	    "keys:3: the name alice is given twice; first in line 1", 0 },
	{ "a key given twice", "# two people\nalice:" ONE "\nbob:" ONE "\n",
	    "keys:3: bob has the key of alice in line 2; each name needs a key of its own", 0 },
	{ "a zero byte", "alice:\0",
	    "keys:1: there is a zero byte in this line; is this a text file?", 7 },
};

static void test_wrong(void **state)
{
	const struct row *r = *state;
	struct keys *k = NULL;
	struct error err;

	assert_int_equal(read_bytes(&k, r->text, r->n > 0 ? r->n : strlen(r->text), &err), -1);
	assert_null(k);
	assert_int_equal(err.code, ERROR_CONFIG);
	assert_string_equal(err.text, r->want);
}

static void test_a_line_has_a_bound(void **state)
{
	struct keys *k = NULL;
	struct error err;
	char text[2000];

	(void)state;
	memset(text, '#', sizeof text);
	assert_int_equal(read_bytes(&k, text, sizeof text, &err), -1);
	assert_string_equal(err.text, "keys:1: the line is too long; at most 1023 bytes");
	text[1023] = '\n';
	text[1024 + 900] = '\n';
	assert_int_equal(read_bytes(&k, text, sizeof text, &err), 0);
	assert_int_equal(keys_count(k), 0);
	keys_free(&k);
}

static void test_a_file_that_is_not_there(void **state)
{
	struct keys *k = NULL;
	struct error err;

	(void)state;
	assert_int_equal(keys_load(&k, "/no/such/keys", &err), -1);
	assert_string_equal(err.text, "cannot read /no/such/keys: No such file or directory");
}

static void test_reads(void **state)
{
	struct keys *k = read_good(
	    "# who may speak\n\n  alice:" ONE ":priority=high \r\n"
	    "\tbob.b-1_X:7692C3AD3540BB803C020B3AEE66CD8887123234EA0C6E7143C0ADD73FF431EE\n"
	    "carol:" TWO ":\ndave:" THREE ":priority=low");
	static const enum priority priorities[] = { PRIORITY_HIGH, PRIORITY_NORMAL, PRIORITY_NORMAL,
		PRIORITY_LOW };

	(void)state;
	assert_int_equal(keys_count(k), 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(keys_at(k, i)->priority, priorities[i]);
	assert_string_equal(keys_at(k, 1)->name, "bob.b-1_X");
	assert_int_equal(keys_at(k, 1)->digest[31], 0xee);
	assert_ptr_equal(keys_find(k, "carol"), keys_at(k, 2));
	assert_null(keys_find(k, "caro"));
	keys_free(&k);
	keys_free(&k);
}

static void test_options(void **state)
{
	struct keys *k = read_good("alice:" ONE ":pools=en,de,sessions=4,minutes=60,priority=high\n"
				   "bob:" TWO ":minutes=none,sessions=none,pools=all\n"
				   "carol:" THREE ":sessions=1000000,pools=all,none\n");
	const struct key *alice = keys_at(k, 0), *bob = keys_at(k, 1), *carol = keys_at(k, 2);
	char line[KEYS_LINE_BYTES], options[KEYS_OPTIONS_BYTES];

	(void)state;
	assert_int_equal(alice->priority, PRIORITY_HIGH);
	assert_int_equal(alice->limits.sessions, 4);
	assert_int_equal(alice->limits.minutes, 60);
	assert_string_equal(alice->pools, "en,de");
	keys_format(alice, line);
	assert_string_equal(line, "alice:" ONE ":priority=high,sessions=4,minutes=60,pools=en,de");
	keys_format_options(alice, ' ', options);
	assert_string_equal(options, "priority=high sessions=4 minutes=60 pools=en,de");
	keys_format(bob, line);
	assert_string_equal(line, "bob:" TWO ":priority=normal");
	assert_int_equal(carol->limits.minutes, 0);
	assert_string_equal(carol->pools, "all,none");
	keys_free(&k);
}

static void test_the_longest_line_fits(void **state)
{
	struct key key = { .priority = PRIORITY_NORMAL,
		.limits = { .sessions = 1000000, .minutes = QUOTA_MINUTES_MAX } };
	char line[KEYS_LINE_BYTES];
	struct keys *k;

	(void)state;
	memset(key.name, 'n', KEYS_NAME_MAX);
	memset(key.pools, 'p', KEYS_POOLS_BYTES - 1);
	for (size_t i = 31; i < KEYS_POOLS_BYTES - 1; i += 32)
		key.pools[i] = ',';
	key.pools[KEYS_POOLS_BYTES - 2] = 'p';
	keys_format(&key, line);
	k = read_good(line);
	assert_string_equal(keys_at(k, 0)->pools, key.pools);
	keys_free(&k);
}

static const struct {
	const char *secret, *name; /* NULL: nobody's */
} guesses[] = {
	{ "one", "alice" },
	{ "two", "bob" },
	{ "three", "carol" },
	{ "four", NULL },
	{ "", NULL },
	{ "One", NULL },
	{ ONE, NULL },
};

static void test_match_does_the_same_work_for_all(void **state)
{
	struct keys *k = read_good("alice:" ONE "\nbob:" TWO "\ncarol:" THREE "\n");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(guesses); i++) {
		const struct key *key;

		comparisons = 0;
		key = keys_match(k, guesses[i].secret, strlen(guesses[i].secret));
		assert_int_equal(comparisons, 3);
		if (guesses[i].name == NULL)
			assert_null(key);
		else
			assert_string_equal(key->name, guesses[i].name);
	}
	assert_null(keys_match(k, "one\0", 4));
	keys_free(&k);
}

static void test_nobody_has_a_key_of_an_empty_table(void **state)
{
	struct keys *k = read_good("# nobody yet\n");

	(void)state;
	assert_null(keys_match(k, "", 0));
	assert_null(keys_match(k, "one", 3));
	keys_free(&k);
}

static void test_what_is_made_can_be_read_and_matched(void **state)
{
	char secret[KEYS_SECRET_BYTES], other[KEYS_SECRET_BYTES], line[KEYS_LINE_BYTES];
	struct key key = { .priority = PRIORITY_NORMAL };
	struct keys *k;
	struct error err;

	(void)state;
	assert_int_equal(keys_set_name(&key, "alice", &err), 0);
	assert_int_equal(keys_set_option(&key, "priority=low", &err), 0);
	assert_int_equal(keys_make(&key, other, &err), 0);
	assert_int_equal(keys_make(&key, secret, &err), 0);
	assert_string_not_equal(secret, other);
	assert_int_equal(strlen(secret), KEYS_SECRET_BYTES - 1);
	assert_memory_equal(secret, "sp_", 3);
	assert_int_equal(
	    strspn(secret, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"),
	    strlen(secret));
	keys_format(&key, line);
	assert_null(strstr(line, secret + 3));
	k = read_good(line);
	assert_string_equal(keys_match(k, secret, strlen(secret))->name, "alice");
	assert_int_equal(keys_at(k, 0)->priority, PRIORITY_LOW);
	assert_null(keys_match(k, other, strlen(other)));
	keys_free(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_line_has_a_bound),
		cmocka_unit_test(test_a_file_that_is_not_there),
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_the_longest_line_fits),
		cmocka_unit_test(test_match_does_the_same_work_for_all),
		cmocka_unit_test(test_nobody_has_a_key_of_an_empty_table),
		cmocka_unit_test(test_what_is_made_can_be_read_and_matched),
	};
	struct CMUnitTest rows[ARRAY_SIZE(wrong)];

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		rows[i] = (struct CMUnitTest){ wrong[i].name, test_wrong, NULL, NULL,
			(void *)(uintptr_t)&wrong[i] };
	return cmocka_run_group_tests_name("keys", tests, NULL, NULL) +
	    cmocka_run_group_tests_name("keys are refused for", rows, NULL, NULL);
}
