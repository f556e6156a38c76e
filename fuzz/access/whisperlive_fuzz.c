/* The options of WhisperLive's clients: whatever comes, it is taken or refused in one sentence. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "access/whisperlive_text.h"
#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct whisperlive_options o;
	struct error err = ERROR_INIT;

	if (whisperlive_parse((const char *)bytes, n, &o, &err) < 0) {
		assert(err.code == ERROR_INVALID && err.text[0] != '\0');
		json_decref(whisperlive_status(o.uid, "ERROR", err.text));
		whisperlive_options_done(&o);
		return 0;
	}
	assert(o.uid[0] != '\0' && memchr(o.uid, '\0', sizeof o.uid) != NULL);
	assert(memchr(o.model, '\0', sizeof o.model) != NULL);
	assert(memchr(o.language, '\0', sizeof o.language) != NULL);
	assert(o.segments >= 1 && o.segments <= WHISPERLIVE_SEGMENTS_MAX);
	json_decref(whisperlive_ready(o.uid));
	whisperlive_settle_options(&o, IPC_TAKES_ALL);
	assert(memchr(o.unheeded, '\0', sizeof o.unheeded) != NULL);
	whisperlive_options_done(&o);
	return 0;
}
