#include "access/digest.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "session/work.h"

enum { SHA256_BYTES = 32 };

struct digest {
	struct work_item item;
	struct work *work;
	const uint8_t *bytes; /* borrowed; what is still to be read */
	size_t n;
	digest_done_f *on_done;
	digest_read_f *on_read;
	void *arg;
	EVP_MD_CTX *sha256; /* owned; while a job runs it is the job's, with the piece */
	uint8_t *piece;     /* owned */
	size_t piece_n;
	bool running, freed;
};

static void free_now(struct digest *d)
{
	EVP_MD_CTX_free(d->sha256);
	free(d->piece);
	free(d);
}

static void run(void *arg)
{
	struct digest *d = arg;

	(void)EVP_DigestUpdate(d->sha256, d->piece, d->piece_n);
}

static void submit(struct digest *d)
{
	d->piece_n = MIN(d->n, (size_t)DIGEST_PIECE_BYTES);
	if (d->piece_n > 0)
		memcpy(d->piece, d->bytes, d->piece_n);
	d->bytes += d->piece_n;
	d->n -= d->piece_n;
	if (d->on_read != NULL)
		d->on_read(d->arg, d->piece_n);
	d->running = true;
	d->work->submit(d->work, &d->item);
}

static void tell(struct digest *d)
{
	uint8_t digest[EVP_MAX_MD_SIZE] = { 0 };
	char hex[DIGEST_HEX_BYTES];

	(void)EVP_DigestFinal_ex(d->sha256, digest, NULL);
	for (unsigned i = 0; i < SHA256_BYTES; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	d->on_done(d->arg, hex);
}

static void done(void *arg)
{
	struct digest *d = arg;

	d->running = false;
	if (d->freed)
		free_now(d);
	else if (d->n > 0)
		submit(d);
	else
		tell(d);
}

struct digest *digest_start(struct work *work, const void *bytes, size_t n, digest_done_f *on_done,
    digest_read_f *on_read, void *arg)
{
	struct digest *d = xcalloc(1, sizeof *d);

	*d = (struct digest){ .item = { .run = run, .done = done, .arg = d },
		.work = work,
		.bytes = n == 0 ? (const uint8_t *)"" : bytes,
		.n = n,
		.on_done = on_done,
		.on_read = on_read,
		.arg = arg,
		.sha256 = EVP_MD_CTX_new(),
		.piece = malloc(DIGEST_PIECE_BYTES) };
	if (d->piece == NULL || d->sha256 == NULL ||
	    EVP_DigestInit_ex(d->sha256, EVP_sha256(), NULL) != 1) {
		free_now(d);
		return NULL;
	}
	submit(d);
	return d;
}

void digest_free(struct digest **digest)
{
	struct digest *d = *digest;

	*digest = NULL;
	if (d == NULL)
		return;
	d->freed = true;
	if (!d->running)
		free_now(d);
}
