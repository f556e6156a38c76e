#include "access/twilio_signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/util.h"

enum {
	SHA1_BYTES = 20,
	LINE_BYTES = 256,
	SHOWN_BYTES = 30, /* of a path in a sentence, and nothing of a query, where a key may be */
};

struct twilio_tokens {
	unsigned n;
	char token[TWILIO_TOKENS_MAX][TWILIO_TOKEN_BYTES];
};

unsigned twilio_tokens_count(const struct twilio_tokens *t)
{
	return t->n;
}

void twilio_tokens_free(struct twilio_tokens **t)
{
	if (*t == NULL)
		return;
	OPENSSL_cleanse(*t, sizeof **t);
	free(*t);
	*t = NULL;
}

static bool is_token(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return n < TWILIO_TOKEN_BYTES;
}

static int take_line(struct twilio_tokens *t, const char *line, struct error *err)
{
	size_t n;

	line += strspn(line, " \t");
	n = strcspn(line, " \t\r\n");
	if (n == 0 || *line == '#')
		return 0;
	if (!is_token(line, n) || line[n + strspn(line + n, " \t\r\n")] != '\0')
		return error_set(err, ERROR_CONFIG,
		    "this line is no auth token, which has no blanks and at most %d characters",
		    TWILIO_TOKEN_BYTES - 1);
	if (t->n == TWILIO_TOKENS_MAX)
		return error_set(
		    err, ERROR_CONFIG, "there are more than %d tokens", TWILIO_TOKENS_MAX);
	memcpy(t->token[t->n], line, n);
	t->token[t->n++][n] = '\0';
	return 0;
}

static int read_lines(struct twilio_tokens *t, FILE *from, const char *name, struct error *err)
{
	char line[LINE_BYTES];
	unsigned number = 0;
	int rc = 0;

	while (rc == 0 && fgets(line, sizeof line, from) != NULL) {
		number++;
		rc = take_line(t, line, err);
	}
	OPENSSL_cleanse(line, sizeof line);
	if (rc != 0)
		return error_prefix(err, "%.100s:%u", name, number);
	if (ferror(from))
		return error_set_errno(err, ERROR_CONFIG, "cannot read %.120s", name);
	if (t->n == 0)
		return error_set(err, ERROR_CONFIG,
		    "there is no auth token in %.120s, so no stream could be let in", name);
	return 0;
}

int twilio_tokens_read(struct twilio_tokens **out, FILE *from, const char *name, struct error *err)
{
	*out = xcalloc(1, sizeof **out);
	if (read_lines(*out, from, name, err) == 0)
		return 0;
	twilio_tokens_free(out);
	return -1;
}

int twilio_tokens_load(struct twilio_tokens **out, const char *path, struct error *err)
{
	FILE *from;
	int rc;

	*out = NULL;
	if (path == NULL || *path == '\0')
		return 0;
	from = fopen(path, "re");
	if (from == NULL)
		return error_set_errno(err, ERROR_CONFIG, "cannot read %.120s", path);
	rc = twilio_tokens_read(out, from, path, err);
	(void)fclose(from);
	return rc;
}

/* All are compared, so that the time it takes does not tell which one fits. */
static bool fits(
    const struct twilio_tokens *t, const char *url, const uint8_t signature[SHA1_BYTES])
{
	uint8_t mac[EVP_MAX_MD_SIZE] = { 0 };
	unsigned found = 0;

	for (unsigned i = 0; i < t->n; i++)
		if (HMAC(EVP_sha1(), t->token[i], (int)strlen(t->token[i]), (const uint8_t *)url,
			strlen(url), mac, NULL) != NULL)
			found += CRYPTO_memcmp(mac, signature, SHA1_BYTES) == 0;
	return found > 0;
}

/* The length of a host without its port; that of an IPv6 address has brackets. */
static size_t bare_host(const char *host)
{
	const char *colon = strrchr(host, ':');

	return colon == NULL || strchr(colon, ']') != NULL ? strlen(host) : (size_t)(colon - host);
}

static int write_url(char url[TWILIO_URL_BYTES], const char *host, size_t host_n, const char *port,
    const char *target)
{
	int n = snprintf(url, TWILIO_URL_BYTES, "wss://%.*s%s%s", (int)host_n, host, port, target);

	return n < 0 || n >= TWILIO_URL_BYTES ? -1 : 0;
}

static bool fits_either_way(const struct twilio_tokens *t, const struct twilio_signed *s,
    const uint8_t signature[SHA1_BYTES], char url[TWILIO_URL_BYTES])
{
	size_t n = strlen(s->host), bare_n = bare_host(s->host);
	char other[TWILIO_URL_BYTES];

	if (write_url(url, s->host, n, "", s->target) < 0 ||
	    write_url(other, s->host, bare_n, bare_n == n ? ":443" : "", s->target) < 0)
		return false;
	return (unsigned)fits(t, url, signature) + (unsigned)fits(t, other, signature) > 0;
}

int twilio_signature_check(
    const struct twilio_tokens *t, const struct twilio_signed *s, struct error *err)
{
	uint8_t signature[SHA1_BYTES];
	char url[TWILIO_URL_BYTES] = "";

	if (s->signature == NULL)
		return error_set(err, ERROR_FORBIDDEN,
		    "the request is not signed (X-Twilio-Signature); this server takes calls only "
		    "of "
		    "the accounts in twilio_tokens_file");
	if (s->host == NULL)
		return error_set(err, ERROR_FORBIDDEN, "the request has no Host, which is signed");
	if (base64_decode(s->signature, strlen(s->signature), signature, sizeof signature) ==
		SHA1_BYTES &&
	    fits_either_way(t, s, signature, url))
		return 0;
	return error_set(err, ERROR_FORBIDDEN,
	    "X-Twilio-Signature does not fit the url wss://%.60s%.*s and any token of "
	    "twilio_tokens_file; behind a proxy, list it in trusted_proxies and have it send "
	    "X-Forwarded-Host",
	    s->host, (int)MIN(strcspn(s->target, "?"), (size_t)SHOWN_BYTES), s->target);
}
