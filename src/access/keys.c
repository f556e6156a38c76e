#define _GNU_SOURCE
#include "access/keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "access/keys_internal.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/util.h"

enum { RANDOM_BYTES = 32 };

static const char prefix[] = "sp_";

_Static_assert(sizeof prefix - 1 + BASE64_LENGTH(RANDOM_BYTES) - 1 + 1 == KEYS_SECRET_BYTES,
    "base64 of 32 bytes ends with one '=', which is left out");

void keys_free(struct keys **k)
{
	if (*k == NULL)
		return;
	free((*k)->keys);
	free(*k);
	*k = NULL;
}

int keys_append(struct keys *k, const struct key *key)
{
	if (k->count == k->capacity) {
		unsigned capacity = MAX(k->capacity * 2, 16u);
		struct key *more = realloc(k->keys, capacity * sizeof *more);

		if (more == NULL)
			return -1;
		k->keys = more;
		k->capacity = capacity;
	}
	k->keys[k->count++] = *key;
	return 0;
}

unsigned keys_count(const struct keys *k)
{
	return k->count;
}

const struct key *keys_at(const struct keys *k, unsigned i)
{
	return &k->keys[i];
}

const struct key *keys_find(const struct keys *k, const char *name)
{
	for (unsigned i = 0; i < k->count; i++)
		if (strcmp(k->keys[i].name, name) == 0)
			return &k->keys[i];
	return NULL;
}

static int digest_of(const char *secret, size_t n, uint8_t digest[KEYS_DIGEST_BYTES])
{
	unsigned bytes = 0;

	return EVP_Digest(secret, n, digest, &bytes, EVP_sha256(), NULL) == 1 &&
		bytes == KEYS_DIGEST_BYTES
	    ? 0
	    : -1;
}

/* Every key is compared, and the one that fits is picked without a branch. */
const struct key *keys_match(const struct keys *k, const char *secret, size_t n)
{
	uint8_t digest[KEYS_DIGEST_BYTES];
	unsigned found = k->count;

	if (digest_of(secret, n, digest) != 0)
		return NULL;
	for (unsigned i = 0; i < k->count; i++) {
		unsigned differs = CRYPTO_memcmp(digest, k->keys[i].digest, KEYS_DIGEST_BYTES) != 0;
		unsigned keep = 0u - differs; /* all ones: it is another key */

		found = (found & keep) | (i & ~keep);
	}
	return found == k->count ? NULL : &k->keys[found];
}

/* RFC 4648, section 5, without padding: it stands in a URL or a subprotocol as it is. */
static void write_secret(const uint8_t random[RANDOM_BYTES], char secret[KEYS_SECRET_BYTES])
{
	char text[BASE64_LENGTH(RANDOM_BYTES) + 1];

	base64_encode(random, RANDOM_BYTES, text);
	for (char *c = text; *c != '\0'; c++)
		*c = (char)(*c == '+' ? '-' : *c == '/' ? '_' : *c);
	memcpy(secret, prefix, sizeof prefix - 1);
	memcpy(secret + sizeof prefix - 1, text, sizeof text - 2);
	secret[KEYS_SECRET_BYTES - 1] = '\0'; /* in place of the '=' */
	OPENSSL_cleanse(text, sizeof text);
}

int keys_make(struct key *key, char secret[KEYS_SECRET_BYTES], struct error *err)
{
	uint8_t random[RANDOM_BYTES];

	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return error_set_errno(err, ERROR_SYSTEM, "there are no random bytes for a key");
	write_secret(random, secret);
	OPENSSL_cleanse(random, sizeof random);
	if (digest_of(secret, strlen(secret), key->digest) != 0)
		return error_set(err, ERROR_SYSTEM, "the SHA-256 of a key could not be computed");
	return 0;
}

int keys_set_name(struct key *key, const char *name, struct error *err)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = strlen(name);

	if (n == 0 || n > KEYS_NAME_MAX || strspn(name, letters) != n)
		return error_set(err, ERROR_CONFIG,
		    "\"%.70s\" cannot be the name of a key; allowed are 1 to %d letters, digits, "
		    ". _ and -",
		    name, KEYS_NAME_MAX);
	memcpy(key->name, name, n + 1);
	return 0;
}

void keys_format(const struct key *key, char line[KEYS_LINE_BYTES])
{
	char digest[2 * KEYS_DIGEST_BYTES + 1], options[KEYS_OPTIONS_BYTES];

	for (size_t i = 0; i < KEYS_DIGEST_BYTES; i++)
		(void)snprintf(digest + 2 * i, 3, "%02x", key->digest[i]);
	keys_format_options(key, ',', options);
	(void)snprintf(line, KEYS_LINE_BYTES, "%s:%s:%s", key->name, digest, options);
}
