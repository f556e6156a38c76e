/* A server's answer to our client's handshake. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/ws_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ws_answer a;

	if (size == 0 || ws_answer_read(data, size, &a) != 0)
		return 0;
	if (a.head_bytes > size || memchr(a.line, '\0', sizeof a.line) == NULL ||
	    memchr(a.accept, '\0', sizeof a.accept) == NULL || (a.is_upgrade && a.status != 101))
		abort();
	return 0;
}
