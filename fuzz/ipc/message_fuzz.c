/* Whatever ipc_decode accepts, ipc_encode gives back byte for byte. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "ipc/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ipc_word words[IPC_WORDS_MAX];
	static uint8_t again[IPC_PACKET_MAX];
	struct error err = ERROR_INIT;
	struct ipc_message m;
	int n;

	if (ipc_decode(data, size, words, &m, &err) < 0) {
		if (err.code != ERROR_PEER || err.text[0] == '\0')
			abort();
		return 0;
	}
	n = ipc_encode(&m, again, sizeof again, &err);
	if (n < 0 || (size_t)n != size || memcmp(data, again, size) != 0)
		abort();
	return 0;
}
