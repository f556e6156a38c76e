/* The text messages of Vosk's clients, in frames of either kind: whatever comes, it is taken or refused in one sentence, and changes nothing then. The
 * first byte says whether the others are the text or its words. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "access/binary_text.h"
#include "access/vosk_text.h"
#include "audio/format.h"
#include "base/error.h"
#include "base/util.h"
#include "fuzz_words.h"

enum { TEXT_BYTES = 4096 };

static const char *const words[] = { "{\"config\":{", "}}", ",",
	"\"sample_rate\":", "\"words\":", "\"max_alternatives\":", "\"model\":", "8000", "16000.0",
	"-1", "1e99", "true", "null", "\"/a/de\"", "\"\"", "{", "}", "[", "]", "\"eof\" : 1",
	"\"reset\":1", "\"phrase_list\":", "\"one two\"", "[unk]", "\"config\":", "\\u0000", "\"" };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void read_text(const uint8_t *bytes, size_t n)
{
	struct vosk_config config, before;
	enum vosk_command command;
	struct error err = ERROR_INIT;

	memset(&config, 0, sizeof config);
	before = config;
	if (vosk_read((const char *)bytes, n, &command, &config, &err) < 0) {
		assert(err.code == ERROR_INVALID && err.text[0] != '\0');
		assert(memcmp(&config, &before, sizeof config) == 0);
		return;
	}
	/* What is taken as text is so in a binary frame, but for zero bytes, which the JSON library passes by. */
	assert(binary_text_is_object(bytes, n) || memchr(bytes, '\0', n) != NULL);
	assert(memchr(config.pool, '\0', sizeof config.pool) != NULL);
	assert(config.max_alternatives <= 100);
	assert(config.sample_rate == 0 ||
	    (config.sample_rate >= 8000 && config.sample_rate <= FORMAT_RATE_MAX_HZ));
	assert(config.wanted.phrases == NULL || strlen(config.wanted.phrases) <= IPC_PHRASES_MAX);
	vosk_config_done(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	uint8_t text[TEXT_BYTES];

	if (n == 0 || bytes[0] % 2 == 0)
		read_text(bytes + (n > 0), n - (n > 0));
	else
		read_text(text,
		    fuzz_words(words, ARRAY_SIZE(words), bytes + 1, n - 1, text, sizeof text));
	return 0;
}
