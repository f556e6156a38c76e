/* The text messages of Vosk's clients: whatever comes, it is taken or refused in one sentence, and changes nothing then. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "access/vosk_text.h"
#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct vosk_config config, before;
	enum vosk_command command;
	struct error err = ERROR_INIT;

	memset(&config, 0, sizeof config);
	before = config;
	if (vosk_read((const char *)bytes, n, &command, &config, &err) < 0) {
		assert(err.code == ERROR_INVALID && err.text[0] != '\0');
		assert(memcmp(&config, &before, sizeof config) == 0);
		return 0;
	}
	assert(memchr(config.pool, '\0', sizeof config.pool) != NULL);
	assert(config.max_alternatives <= 100);
	assert(
	    config.sample_rate == 0 || (config.sample_rate >= 8000 && config.sample_rate <= 48000));
	return 0;
}
