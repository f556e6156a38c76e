/* What an engine says, which nobody vouches for, as a row of partials: what stands is only added to. */
#define _GNU_SOURCE
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "access/stt_data_text.h"
#include "access/stt_stable.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { TIMES = 5 };

static void sentence(const char *text, size_t n)
{
	char *got = stt_sentence(text, n);

	assert(got != NULL);
	free(got);
}

/* Each zero byte ends a partial, which comes a few times. */
static void take(struct stt_stable *s, const char *text, size_t n, uint64_t *at)
{
	struct stt_stable_text out;
	char *before = NULL;

	for (int i = 0; i < TIMES; i++, ++*at) {
		assert(stt_stable_take(s, text, n, *at, *at * 300, &out) == 0);
		assert(before == NULL || strncmp(out.stable, before, strlen(before)) == 0);
		assert(out.delta >= out.stable && out.delta <= out.stable + strlen(out.stable));
		free(before);
		before = strdup(out.stable);
		assert(before != NULL);
	}
	free(before);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct stt_stable *s = stt_stable_new();
	uint64_t at = 1;

	assert(s != NULL);
	for (size_t from = 0, to; from < n; from = to + 1) {
		const uint8_t *end = memchr(bytes + from, 0, n - from);

		to = end == NULL ? n : (size_t)(end - bytes);
		sentence((const char *)bytes + from, to - from);
		take(s, (const char *)bytes + from, to - from, &at);
	}
	stt_stable_free(&s);
	return 0;
}
