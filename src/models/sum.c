#define _GNU_SOURCE
#include "models/sum.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/error.h"
#include "base/util.h"

enum { BLOCK_BYTES = 1 << 17 };

struct sum {
	EVP_MD_CTX *ctx; /* owned */
};

struct sum *sum_new(void)
{
	struct sum *s = xcalloc(1, sizeof *s);

	s->ctx = EVP_MD_CTX_new();
	if (s->ctx == NULL || EVP_DigestInit_ex(s->ctx, EVP_sha256(), NULL) != 1) {
		(void)fputs("there is no SHA-256 in this libcrypto\n", stderr);
		abort();
	}
	return s;
}

void sum_add(struct sum *s, const void *bytes, size_t n)
{
	(void)EVP_DigestUpdate(s->ctx, bytes, n);
}

void sum_finish(struct sum **s, char hex[SUM_HEX_BYTES])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	(void)EVP_DigestFinal_ex((*s)->ctx, digest, &n);
	for (unsigned i = 0; i < n; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	sum_free(s);
}

void sum_free(struct sum **s)
{
	if (*s != NULL)
		EVP_MD_CTX_free((*s)->ctx);
	free(*s);
	*s = NULL;
}

/* Read and not mapped: a file on a disk that fails is an error then, and no signal. */
static int add_all(struct sum *s, int fd)
{
	uint8_t *block = xcalloc(1, BLOCK_BYTES);
	ssize_t n;

	while ((n = read(fd, block, BLOCK_BYTES)) > 0)
		sum_add(s, block, (size_t)n);
	free(block);
	return n == 0 ? 0 : -1;
}

int sum_of_file(const char *path, char hex[SUM_HEX_BYTES], struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct sum *s = sum_new();
	int rc = fd < 0 ? -1 : add_all(s, fd);

	if (rc == 0)
		sum_finish(&s, hex);
	else
		(void)error_set_errno(err, ERROR_CONFIG, "cannot read %.160s", path);
	sum_free(&s);
	fd_close(&fd);
	return rc;
}

int sum_check_file(const char *path, const char *hex, struct error *err)
{
	char is[SUM_HEX_BYTES];

	if (sum_of_file(path, is, err) < 0)
		return -1;
	if (strcasecmp(is, hex) != 0)
		return error_set(err, ERROR_CONFIG,
		    "%.90s is not what it should be: its SHA-256 is %.16s..., not %.16s...", path,
		    is, hex);
	return 0;
}
