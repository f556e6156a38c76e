#include "ipc/result_copy.h"

#include <string.h>

#include "base/util.h"

size_t result_copy_bytes(const struct ipc_result *r)
{
	size_t n = r->words_n * sizeof *r->words + r->text.length + r->language.length +
	    r->adaptation_bytes;

	for (unsigned i = 0; i < r->words_n; i++)
		n += r->words[i].text.length;
	return n;
}

/* A copy at *at, which moves behind it. */
static const void *copy(uint8_t **at, const void *bytes, size_t n)
{
	uint8_t *to = *at;

	if (n > 0)
		memcpy(to, bytes, n);
	*at = to + n;
	return to;
}

void result_copy_into(struct ipc_result *to, void *room, const struct ipc_result *r)
{
	uint8_t *at = room; /* words first: they are aligned as `room` is */

	*to = *r;
	to->words = room;
	(void)copy(&at, r->words, r->words_n * sizeof *r->words);
	for (unsigned i = 0; i < r->words_n; i++)
		to->words[i].text.bytes =
		    copy(&at, r->words[i].text.bytes, r->words[i].text.length);
	to->text.bytes = copy(&at, r->text.bytes, r->text.length);
	to->language.bytes = copy(&at, r->language.bytes, r->language.length);
	to->adaptation = copy(&at, r->adaptation, r->adaptation_bytes);
}

struct ipc_result *result_copy(const struct ipc_result *r)
{
	struct ipc_result *to = xcalloc(1, sizeof *to + result_copy_bytes(r));

	result_copy_into(to, to + 1, r);
	return to;
}
