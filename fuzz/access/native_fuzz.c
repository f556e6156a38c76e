/* The text messages of native clients: whatever comes, it is taken or refused in one sentence. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "access/native_start.h"
#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct native_start start;
	enum native_command command;
	struct error err = ERROR_INIT;

	memset(&start, 0, sizeof start);
	if (native_parse((const char *)bytes, n, &command, &start, &err) < 0) {
		assert(err.code == ERROR_INVALID && err.text[0] != '\0');
		wanted_done(&start.wanted);
		return 0;
	}
	assert(memchr(start.pool, '\0', sizeof start.pool) != NULL);
	assert(start.session.adaptation_bytes <= sizeof start.adaptation);
	assert(start.wanted.prompt == NULL || strlen(start.wanted.prompt) <= IPC_PROMPT_MAX);
	assert(start.wanted.hot_words == NULL || strlen(start.wanted.hot_words) <= IPC_PROMPT_MAX);
	assert(start.wanted.phrases == NULL || strlen(start.wanted.phrases) <= IPC_PHRASES_MAX);
	wanted_done(&start.wanted);
	return 0;
}
