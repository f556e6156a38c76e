/* What clients of Deepgram's /v1/listen send: a query, or a text message. Whatever comes, it is taken or refused in one
 * sentence. The first byte says which of both the rest is. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "access/deepgram_control.h"
#include "access/deepgram_query.h"
#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void read_query(const uint8_t *bytes, size_t n)
{
	char *query = calloc(1, n + 1);
	struct endpoint_config endpoint = ENDPOINT_CONFIG_DEFAULT;
	struct error err = ERROR_INIT;
	struct deepgram_query q;
	struct wanted wanted = { .translate = false };

	assert(query != NULL);
	memcpy(query, bytes, n);
	if (deepgram_query_read(query, n % 2 == 0 ? DEEPGRAM_LIVE : DEEPGRAM_FILE, &q, &err) != 0) {
		assert(err.code == ERROR_INVALID && err.text[0] != '\0');
	} else {
		deepgram_query_endpoint(&q, &endpoint);
		assert(endpoint_config_check(&endpoint, &err) == 0);
		assert(!q.raw || format_check(&q.format, &err) == 0);
		assert(memchr(q.model, '\0', sizeof q.model) != NULL);
		assert(memchr(q.hot_words, '\0', sizeof q.hot_words) != NULL);
		deepgram_query_settle(&q, IPC_TAKES_ALL);
		deepgram_query_wishes(&q, &wanted);
		wanted_done(&wanted);
	}
	free(query);
}

static void read_control(const uint8_t *bytes, size_t n)
{
	struct error err = ERROR_INIT;
	struct deepgram_control c;

	if (deepgram_control_read((const char *)bytes, n, &c, &err) != 0)
		assert(err.code == ERROR_INVALID && err.text[0] != '\0');
	else
		assert(c.channel >= -1 && c.channel < DEEPGRAM_CHANNELS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	if (n == 0)
		return 0;
	if (bytes[0] % 2 == 0)
		read_query(bytes + 1, n - 1);
	else
		read_control(bytes + 1, n - 1);
	return 0;
}
