/* What is said of certificates that can be served, but that clients will refuse; and of a file in the wrong order. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/error.h"
#include "base/util.h"
#include "net/tls.h"

enum { DAY_S = 24 * 3600 };

static char dir[] = "/tmp/tls_check_test_XXXXXX";
static char certificates[64], key[64];
static EVP_PKEY *server_key, *root_key;

/* Of `name`, signed by `issuer`'s key, from so many days from now to so many. */
struct wish {
	const char *name, *issuer;
	int from_days, to_days;
};

static EVP_PKEY *key_of(const char *name)
{
	return strcmp(name, "server") == 0 ? server_key : root_key;
}

static X509_NAME *name_of(const char *name)
{
	X509_NAME *n = X509_NAME_new();

	assert_non_null(n);
	(void)X509_NAME_add_entry_by_txt(
	    n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	return n;
}

static void write_certificate(FILE *f, const struct wish *w)
{
	X509_NAME *subject = name_of(w->name), *issuer = name_of(w->issuer);
	X509 *x = X509_new();

	assert_non_null(x);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(x), (long)w->from_days * DAY_S);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), (long)w->to_days * DAY_S);
	(void)X509_set_subject_name(x, subject);
	(void)X509_set_issuer_name(x, issuer);
	(void)X509_set_pubkey(x, key_of(w->name));
	assert_true(X509_sign(x, key_of(w->issuer), EVP_sha256()) > 0);
	assert_int_equal(PEM_write_X509(f, x), 1);
	X509_NAME_free(subject);
	X509_NAME_free(issuer);
	X509_free(x);
}

static int setup(void **state)
{
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(certificates, sizeof certificates, "%s/a.pem", dir);
	(void)snprintf(key, sizeof key, "%s/a.key", dir);
	server_key = EVP_EC_gen("P-256");
	root_key = EVP_EC_gen("P-256");
	f = fopen(key, "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_PrivateKey(f, server_key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(f);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(server_key);
	EVP_PKEY_free(root_key);
	(void)unlink(certificates);
	(void)unlink(key);
	return rmdir(dir);
}

static const struct row {
	const char *name;
	struct wish of[2];   /* the second is left out if it has no name */
	const char *refused; /* what tls_new says; NULL: it takes them */
	const char *against; /* what tls_check says; NULL: nothing */
} rows[] = {
	{ "one that signed itself", { { "server", "server", -1, 1 } }, NULL, NULL },
	{ "one with the one it stands on behind it",
	    { { "server", "root", -1, 1 }, { "root", "root", -1, 1 } }, NULL, NULL },
	{ "one that has expired", { { "server", "server", -9, -1 } }, NULL,
	    "/a.pem' expired at 2" },
	{ "one of tomorrow", { { "server", "server", 1, 9 } }, NULL,
	    "/a.pem' is valid only from 2" },
	{ "a stranger behind it", { { "server", "elsewhere", -1, 1 }, { "root", "root", -1, 1 } },
	    NULL, "certificate 2 in '" },
	{ "the wrong order", { { "root", "root", -1, 1 }, { "server", "root", -1, 1 } },
	    "/a.key'; it must be the first, before those it stands on", NULL },
};

static void assert_says(const struct error *err, const char *want)
{
	if (strstr(err->text, want) == NULL)
		fail_msg("no '%s' in '%s'", want, err->text);
}

static void test_row(void **state)
{
	const struct row *r = *state;
	struct error err = ERROR_INIT;
	FILE *f = fopen(certificates, "w");
	struct tls *tls;

	assert_non_null(f);
	for (size_t i = 0; i < ARRAY_SIZE(r->of) && r->of[i].name != NULL; i++)
		write_certificate(f, &r->of[i]);
	(void)fclose(f);
	tls = tls_new(certificates, key, &err);
	assert_int_equal(tls == NULL, r->refused != NULL);
	if (tls != NULL)
		assert_int_equal(tls_check(tls, &err), r->against == NULL ? 0 : -1);
	if (r->refused != NULL || r->against != NULL)
		assert_says(&err, r->refused != NULL ? r->refused : r->against);
	tls_free(&tls);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL,
			(void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests_name("tls_check", tests, setup, teardown);
}
