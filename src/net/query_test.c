#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/test_rows.h"
#include "base/util.h"
#include "net/query.h"

/* Each pair as "name=value;", or "name;" where there is no '='. */
static struct pairs_row {
	const char *name, *query, *pairs;
} pairs_rows[] = {
	{ "nothing has no pairs", "", "" },
	{ "one pair", "a=1", "a=1;" },
	{ "pairs come in their order, a name as often as it stands", "a=1&b=2&a=3",
	    "a=1;b=2;a=3;" },
	{ "a name may stand alone", "a&b=", "a;b=;" },
	{ "a value may have a =", "a=1=2", "a=1=2;" },
	{ "a name may be empty", "=1&=", "=1;=;" },
	{ "what is empty is no pair", "&&a=1&&b&&", "a=1;b;" },
	{ "nothing is decoded", "a%3d=%26+", "a%3d=%26+;" },
};

static void test_pairs(void **state)
{
	const struct pairs_row *r = *state;
	const char *query = r->query;
	struct query_pair p;
	char text[256] = "";
	size_t n = 0;

	while (query_next(&query, &p))
		n += (size_t)snprintf(text + n, sizeof text - n, "%.*s%s%.*s;", (int)p.name.n,
		    p.name.at, p.has_value ? "=" : "", (int)p.value.n, p.value.at);
	assert_string_equal(text, r->pairs);
	assert_int_equal(*query, '\0');
	assert_false(query_next(&query, &p));
}

static struct find_row {
	const char *name, *query, *value; /* NULL: not there */
} find_rows[] = {
	{ "the first of a name is found", "x=0&token=1&token=2", "1" },
	{ "one that is empty is found", "token=&token=2", "" },
	{ "one without a = is passed over", "token&token=2", "2" },
	{ "a name that only begins so is another", "tokens=1&toke=2&mytoken=3", NULL },
	{ "a name in capitals is another", "Token=1", NULL },
};

static void test_find(void **state)
{
	const struct find_row *r = *state;
	struct query_span value;

	assert_int_equal(query_find(r->query, "token", &value), r->value != NULL);
	if (r->value != NULL)
		assert_true(query_is(value, r->value));
}

static struct decode_row {
	const char *name, *from;
	enum query_plus plus;
	enum query_decoded what;
	const char *text;
} decode_rows[] = {
	{ "nothing", "", QUERY_PLUS_IS_SPACE, QUERY_DECODED, "" },
	{ "what is not encoded stays", "aB-_.~", QUERY_PLUS_IS_SPACE, QUERY_DECODED, "aB-_.~" },
	{ "digits in either case", "%2b%2B%C3%a9", QUERY_PLUS_IS_SPACE, QUERY_DECODED,
	    "++\xc3\xa9" },
	{ "a plus that is a space", "a+b%2B", QUERY_PLUS_IS_SPACE, QUERY_DECODED, "a b+" },
	{ "a plus that is one", "a+b%20", QUERY_PLUS_STAYS, QUERY_DECODED, "a+b " },
	{ "a % of its own at the end", "a%", QUERY_PLUS_STAYS, QUERY_BROKEN, "" },
	{ "one digit at the end", "a%4", QUERY_PLUS_STAYS, QUERY_BROKEN, "" },
	{ "no digits", "%zz", QUERY_PLUS_STAYS, QUERY_BROKEN, "" },
	{ "one digit", "%4z", QUERY_PLUS_STAYS, QUERY_BROKEN, "" },
	{ "a sign is no digit", "%+4%-4", QUERY_PLUS_STAYS, QUERY_BROKEN, "" },
	{ "a zero byte", "a%00b", QUERY_PLUS_STAYS, QUERY_BROKEN, "" },
	{ "as much as fits", "1234567", QUERY_PLUS_STAYS, QUERY_DECODED, "1234567" },
	{ "as much as fits once it is decoded", "%31%32%33%34567", QUERY_PLUS_STAYS, QUERY_DECODED,
	    "1234567" },
	{ "more than fits", "12345678", QUERY_PLUS_STAYS, QUERY_TOO_LONG, "" },
};

static void test_decode(void **state)
{
	const struct decode_row *r = *state;
	char out[8];

	memset(out, 'x', sizeof out);
	assert_int_equal(
	    query_decode((struct query_span){ r->from, strlen(r->from) }, r->plus, out, sizeof out),
	    r->what);
	assert_string_equal(out, r->text);
}

static void test_digits_behind_the_value_are_not_its_own(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(
	    query_decode((struct query_span){ "%41", 2 }, QUERY_PLUS_STAYS, out, sizeof out),
	    QUERY_BROKEN);
}

int main(void)
{
	struct CMUnitTest
	    tests[ARRAY_SIZE(pairs_rows) + ARRAY_SIZE(find_rows) + ARRAY_SIZE(decode_rows) + 1];
	size_t n = 0;

	TEST_ROWS(tests, n, pairs_rows, test_pairs);
	TEST_ROWS(tests, n, find_rows, test_find);
	TEST_ROWS(tests, n, decode_rows, test_decode);
	tests[n++] =
	    (struct CMUnitTest)cmocka_unit_test(test_digits_behind_the_value_are_not_its_own);
	return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
