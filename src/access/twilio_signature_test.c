#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access/twilio_signature.h"
#include "base/error.h"
#include "base/test_rows.h"
#include "base/util.h"

static struct twilio_tokens *load(const char *text, struct error *err)
{
	char path[] = "/tmp/stenopool-tokens-XXXXXX";
	struct twilio_tokens *t = NULL;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
	(void)twilio_tokens_load(&t, path, err);
	(void)unlink(path);
	return t;
}

/* Made by: printf '%s' URL | openssl dgst -sha1 -hmac TOKEN -binary | base64 */
#define PLAIN "OSUNu4GJ8ctaNH1iZcHkgIqTe1o=" /* wss://speech.example.com/twilio */
#define PORT  "6eJdtZ57G30/DvwJ6iN5WXVC1J8=" /* wss://speech.example.com:443/twilio */
#define HTTPS "/5QoaAW6d6cSoe7g5tX04e/4JgM=" /* https://speech.example.com/twilio */
#define QUERY "QvGjnM/eUIBlWmxaVtBMXEm8wPU=" /* wss://speech.example.com:8443/twilio/en?a=b%20c */
#define SIX   "Nr+juFX7rD2pbAduyYT9FtOxsxE=" /* wss://[::1]/twilio */

static struct row {
	const char *name;
	struct twilio_signed s;
	bool fits;
} rows[] = {
	{ "the url of <Stream>", { "speech.example.com", "/twilio", PLAIN }, true },
	{ "signed with the port, asked for without", { "speech.example.com", "/twilio", PORT },
	    true },
	{ "signed without the port, asked for with it",
	    { "speech.example.com:443", "/twilio", PLAIN }, true },
	{ "a query and a port of its own",
	    { "speech.example.com:8443", "/twilio/en?a=b%20c", QUERY }, true },
	{ "the address of an IPv6 host has colons", { "[::1]", "/twilio", SIX }, true },
	{ "and may have a port", { "[::1]:443", "/twilio", SIX }, true },
	{ "another scheme", { "speech.example.com", "/twilio", HTTPS }, false },
	{ "another host", { "speech.example.org", "/twilio", PLAIN }, false },
	{ "another path", { "speech.example.com", "/twilio/", PLAIN }, false },
	{ "another query, which may be a key and is not told",
	    { "speech.example.com:8443", "/twilio/en?token=12345", QUERY }, false },
	{ "no host", { NULL, "/twilio", PLAIN }, false },
	{ "no signature", { "speech.example.com", "/twilio", NULL }, false },
	{ "an empty one", { "speech.example.com", "/twilio", "" }, false },
	{ "one that is no base64", { "speech.example.com", "/twilio", "?" PLAIN }, false },
	{ "one of another length", { "speech.example.com", "/twilio", PLAIN PLAIN }, false },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct error err = ERROR_INIT;
	struct twilio_tokens *t =
	    load("# the new one, then the old one\n\nzzz\r\n  12345 \n", &err);

	assert_non_null(t);
	assert_int_equal(twilio_tokens_count(t), 2);
	assert_int_equal(twilio_signature_check(t, &r->s, &err), r->fits ? 0 : -1);
	if (!r->fits) {
		assert_int_equal(err.code, ERROR_FORBIDDEN);
		assert_null(strstr(err.text, "12345"));
	}
	twilio_tokens_free(&t);
	assert_null(t);
	twilio_tokens_free(&t);
}

static struct file_row {
	const char *name, *text, *sentence;
} files[] = {
	{ "a file without a token is refused", "# none\n\n", "there is no auth token in" },
	{ "two in a line are refused", "12345\nabc def\n", ":2: this line is no auth token" },
	{ "one that is too long is refused",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
	    ":1: this line is no auth token" },
	{ "too many are refused", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\no\np\nq\n",
	    ":17: there are more than 16 tokens" },
};

static void test_file(void **state)
{
	const struct file_row *r = *state;
	struct error err = ERROR_INIT;

	assert_null(load(r->text, &err));
	assert_int_equal(err.code, ERROR_CONFIG);
	assert_non_null(strstr(err.text, r->sentence));
	assert_null(strstr(err.text, "def"));
}

static void test_a_url_that_is_too_long_is_signed_by_nobody(void **state)
{
	struct error err = ERROR_INIT;
	struct twilio_tokens *t = load("12345\n", &err);
	char target[2 * TWILIO_URL_BYTES];

	(void)state;
	memset(target, 'a', sizeof target);
	target[sizeof target - 1] = '\0';
	assert_int_equal(
	    twilio_signature_check(t, &(struct twilio_signed){ "a", target, PLAIN }, &err), -1);
	twilio_tokens_free(&t);
}

static void test_no_file_is_no_tokens_and_one_that_is_not_there_an_error(void **state)
{
	struct error err = ERROR_INIT;
	struct twilio_tokens *t;

	(void)state;
	assert_int_equal(twilio_tokens_load(&t, "", &err), 0);
	assert_null(t);
	assert_int_equal(twilio_tokens_load(&t, NULL, &err), 0);
	assert_null(t);
	assert_int_equal(twilio_tokens_load(&t, "/no/such/tokens", &err), -1);
	assert_null(t);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(files) + 2];
	size_t n = 0;

	TEST_ROWS(tests, n, rows, test_row);
	TEST_ROWS(tests, n, files, test_file);
	tests[n++] =
	    (struct CMUnitTest)cmocka_unit_test(test_a_url_that_is_too_long_is_signed_by_nobody);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(
	    test_no_file_is_no_tokens_and_one_that_is_not_there_an_error);
	return cmocka_run_group_tests_name("twilio_signature", tests, NULL, NULL);
}
