/* The messages of Twilio Media Streams, the queries of those who watch, signatures and the file of tokens: whatever comes, it is
 * taken or refused in one sentence. */
#define _GNU_SOURCE
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/twilio_signature.h"
#include "access/twilio_text.h"
#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void read_message(const uint8_t *bytes, size_t n)
{
	struct twilio_message m;
	struct twilio_clock clock = { 0 };
	struct error err = ERROR_INIT;

	if (twilio_parse((const char *)bytes, n, &m, &err) < 0) {
		assert(err.code == ERROR_INVALID && err.text[0] != '\0');
	} else if (m.kind == TWILIO_START) {
		assert(strlen(m.start.call_sid) < TWILIO_SID_BYTES);
		assert(strlen(m.start.stream_sid) < TWILIO_SID_BYTES);
	} else if (m.kind == TWILIO_MEDIA) {
		assert(m.media.payload != NULL && m.media.track < TWILIO_TRACKS);
		if (m.media.timed)
			assert(twilio_clock_gap(&clock, m.media.timestamp_ms) <=
			    TWILIO_SILENCE_MAX_MS);
	}
	twilio_message_done(&m);
}

/* The text as each part of a request, none of which was signed with our token. */
static void check_signature(const struct twilio_tokens *t, const char *text)
{
	const struct twilio_signed all[] = { { text, "/twilio", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
		{ "a:443", text, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" }, { "[::1]", "/twilio", text } };
	struct error err;

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		assert(twilio_signature_check(t, &all[i], &err) == -1);
		assert(err.code == ERROR_FORBIDDEN && err.text[0] != '\0');
	}
}

static void read_tokens(const uint8_t *bytes, size_t n, const char *text)
{
	FILE *from = n == 0 ? NULL : fmemopen((void *)(uintptr_t)bytes, n, "r");
	struct error err = ERROR_INIT;
	struct twilio_tokens *t;

	if (from == NULL)
		return;
	if (twilio_tokens_read(&t, from, "f", &err) == 0) {
		assert(twilio_tokens_count(t) > 0 && twilio_tokens_count(t) <= TWILIO_TOKENS_MAX);
		check_signature(t, text);
	} else {
		assert(t == NULL && err.code == ERROR_CONFIG && err.text[0] != '\0');
	}
	(void)fclose(from);
	twilio_tokens_free(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const struct twilio_who who = { "CA1", "MZ1" };
	char *text = strndup((const char *)bytes, n);

	assert(text != NULL);
	read_message(bytes, n);
	(void)twilio_query_wants(text, &who);
	read_tokens(bytes, n, text);
	free(text);
	return 0;
}
