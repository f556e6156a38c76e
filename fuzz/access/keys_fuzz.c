/* A keys file of any bytes: it is read or refused in one sentence; what was read has names that are allowed and of their
 * own, and reads the same once more from the lines it is written as. */
#define _GNU_SOURCE
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/credential.h"
#include "access/keys.h"
#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static char *text_of(const struct keys *k)
{
	char *text = calloc(keys_count(k) + 1, KEYS_LINE_BYTES + 1), line[KEYS_LINE_BYTES];

	assert(text != NULL);
	for (unsigned i = 0; i < keys_count(k); i++) {
		keys_format(keys_at(k, i), line);
		strcat(strcat(text, line), "\n");
	}
	return text;
}

static void check_same(const struct keys *a, const struct keys *b)
{
	assert(keys_count(a) == keys_count(b));
	for (unsigned i = 0; i < keys_count(a); i++) {
		const struct key *l = keys_at(a, i), *r = keys_at(b, i);

		assert(strcmp(l->name, r->name) == 0 && l->priority == r->priority);
		assert(l->limits.sessions == r->limits.sessions);
		assert(l->limits.minutes == r->limits.minutes && strcmp(l->pools, r->pools) == 0);
		assert(memcmp(l->digest, r->digest, sizeof l->digest) == 0);
		assert(keys_find(a, l->name) == l);
	}
}

static void check_again(const struct keys *k)
{
	struct error err = ERROR_INIT;
	struct keys *again = NULL;
	char *text = text_of(k);
	FILE *from = *text == '\0' ? NULL : fmemopen(text, strlen(text), "r");

	if (from != NULL) {
		assert(keys_read(&again, from, "again", &err) == 0);
		check_same(k, again);
		(void)fclose(from);
	}
	keys_free(&again);
	free(text);
}

/* The same bytes as what a request carries. */
static void find_credential(const uint8_t *bytes, size_t n)
{
	char *text = strndup((const char *)bytes, n), found[CREDENTIAL_BYTES], out[32];
	const struct credential_request all[] = {
		{ .authorization = text, .query = "" },
		{ .protocols = text, .query = "" },
		{ .query = text },
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		assert((credential_find(&all[i], found) == CREDENTIAL_FOUND) == (found[0] != '\0'));
	(void)credential_find(&all[1], found);
	if (credential_subprotocol(text, out, sizeof out) != NULL)
		assert(*out != '\0' && strstr(text, out) != NULL);
	free(text);
}

static void read_keys(const void *bytes, size_t n)
{
	struct error err = ERROR_INIT;
	struct keys *k = NULL;
	FILE *from = n == 0 ? NULL : fmemopen((void *)(uintptr_t)bytes, n, "r");

	if (from == NULL)
		return;
	if (keys_read(&k, from, "f", &err) != 0)
		assert(k == NULL && err.code == ERROR_CONFIG && err.text[0] != '\0');
	else
		check_again(k);
	(void)fclose(from);
	keys_free(&k);
}

/* A fuzzer does not hit upon a digest, so each '@' stands for one. */
static void read_with_digests(const uint8_t *bytes, size_t n)
{
	char *text = malloc(n * 2 * KEYS_DIGEST_BYTES + 1);
	size_t used = 0;

	assert(text != NULL);
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '@')
			used += (size_t)sprintf(text + used, "%064zx", i % 7);
		else
			text[used++] = (char)bytes[i];
	}
	read_keys(text, used);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	read_keys(bytes, n);
	read_with_digests(bytes, n);
	find_credential(bytes, n);
	return 0;
}
