#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "access/credential.h"
#include "base/util.h"

#define FOUND  CREDENTIAL_FOUND
#define BROKEN CREDENTIAL_BROKEN
#define NONE   CREDENTIAL_NONE

static const struct row {
	const char *name;
	struct credential_request request;
	enum credential_found found;
	const char *key;
} rows[] = {
	{ "nothing", { .query = "" }, NONE, "" },
	{ "Bearer", { .authorization = "Bearer sp_k-1", .query = "" }, FOUND, "sp_k-1" },
	{ "bearer in any case, with blanks", { .authorization = "bEARER \t k  ", .query = "" },
	    FOUND, "k" },
	{ "Token", { .authorization = "Token k", .query = "" }, FOUND, "k" },
	{ "token", { .authorization = "token k", .query = "" }, FOUND, "k" },
	{ "a scheme that carries no key", { .authorization = "Basic a2V5", .query = "" }, NONE,
	    "" },
	{ "a scheme that only begins so", { .authorization = "Bearers k", .query = "" }, NONE, "" },
	{ "Bearer alone", { .authorization = "Bearer ", .query = "" }, NONE, "" },
	{ "a proxy's own Authorization beside a key",
	    { .authorization = "Basic a2V5", .query = "token=k" }, FOUND, "k" },
	{ "X-API-Key", { .x_api_key = " k ", .query = "" }, FOUND, "k" },
	{ "api-key", { .api_key = "k", .query = "" }, FOUND, "k" },
	{ "?api_key", { .query = "api_key=k" }, FOUND, "k" },
	{ "?token", { .query = "model=x&token=k" }, FOUND, "k" },
	{ "?access_token", { .query = "access_token=k&model=x" }, FOUND, "k" },
	{ "a parameter that only ends so", { .query = "my_token=k" }, NONE, "" },
	{ "a parameter that only begins so", { .query = "tokens=k&token2=k" }, NONE, "" },
	{ "a parameter without a value", { .query = "token&token=&api_key=k" }, NONE, "" },
	{ "percent-encoding", { .query = "token=%73p_%2B%2f+%3D" }, FOUND, "sp_+/+=" },
	{ "percent-encoding that is cut", { .query = "token=a%4" }, BROKEN, "" },
	{ "percent-encoding that is none", { .query = "token=%zz" }, BROKEN, "" },
	{ "percent-encoding that goes over the end", { .query = "token=%4&a=1" }, BROKEN, "" },
	{ "a zero byte", { .query = "token=a%00" }, BROKEN, "" },
	{ "openai-insecure-api-key",
	    { .protocols = "realtime, openai-insecure-api-key.sk-1, openai-beta.realtime-v1",
		.query = "" },
	    FOUND, "sk-1" },
	{ "openai-insecure-api-key without a key",
	    { .protocols = "openai-insecure-api-key.", .query = "" }, NONE, "" },
	{ "the pair token, K", { .protocols = "token, k", .query = "" }, FOUND, "k" },
	{ "the pair bearer,K", { .protocols = "ws, Bearer,k", .query = "" }, FOUND, "k" },
	{ "token alone", { .protocols = "token", .query = "" }, NONE, "" },
	{ "other subprotocols", { .protocols = "realtime, ws", .query = "" }, NONE, "" },
	{ "the header goes before the query", { .authorization = "Bearer a", .query = "token=b" },
	    FOUND, "a" },
	{ "the subprotocol goes before the query", { .protocols = "token, a", .query = "token=b" },
	    FOUND, "a" },
};

static void test_find(void **state)
{
	const struct row *r = *state;
	char text[CREDENTIAL_BYTES];

	assert_int_equal(credential_find(&r->request, text), r->found);
	assert_string_equal(text, r->key);
}

static void test_a_key_has_a_bound(void **state)
{
	char header[CREDENTIAL_BYTES + 1], query[CREDENTIAL_BYTES + 16], text[CREDENTIAL_BYTES];
	struct credential_request r = { .api_key = header, .query = "" };

	(void)state;
	memset(header, 'k', sizeof header);
	header[CREDENTIAL_BYTES] = '\0';
	assert_int_equal(credential_find(&r, text), BROKEN);
	(void)snprintf(query, sizeof query, "token=%s", header);
	r = (struct credential_request){ .query = query };
	assert_int_equal(credential_find(&r, text), BROKEN);
	header[CREDENTIAL_BYTES - 1] = '\0';
	query[strlen(query) - 1] = '\0';
	assert_int_equal(credential_find(&r, text), FOUND);
	assert_string_equal(text, header);
	r = (struct credential_request){ .api_key = header, .query = "" };
	assert_int_equal(credential_find(&r, text), FOUND);
}

static const struct {
	const char *offered, *answered; /* NULL: none */
} subprotocols[] = {
	{ NULL, NULL },
	{ "", NULL },
	{ " , ,", NULL },
	{ "mine, yours", "mine" },
	{ "mine, realtime", "realtime" },
	{ "ws, Realtime", "Realtime" },
	{ "token, sp_k", "token" },
	{ "bearer, sp_k, ws", "bearer" },
	{ "openai-insecure-api-key.sp_k", NULL },
	{ "openai-insecure-api-key.sp_k, openai-beta.realtime-v1", "openai-beta.realtime-v1" },
	{ "realtime, openai-insecure-api-key.sp_k, openai-beta.realtime-v1", "realtime" },
	{ "a-name-of-more-than-the-bytes-there-are", NULL },
};

static void test_subprotocol(void **state)
{
	char out[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(subprotocols); i++) {
		const char *got = credential_subprotocol(subprotocols[i].offered, out, sizeof out);

		if (subprotocols[i].answered == NULL)
			assert_null(got);
		else
			assert_string_equal(got, subprotocols[i].answered);
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 2] = {
		cmocka_unit_test(test_a_key_has_a_bound),
		cmocka_unit_test(test_subprotocol),
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i + 2] = (struct CMUnitTest){ rows[i].name, test_find, NULL, NULL,
			(void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests_name("credential", tests, NULL, NULL);
}
