/* The messages of Twilio Media Streams: whatever comes, it is taken or refused in one sentence. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "access/twilio_text.h"
#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
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
	return 0;
}
