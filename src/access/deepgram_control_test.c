#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "access/deepgram_control.h"
#include "base/error.h"
#include "base/util.h"

static struct row {
	const char *name, *text;
	int rc;
	enum deepgram_command command;
	int channel;
	const char *sentence;
} rows[] = {
	{ "keep alive", "{\"type\":\"KeepAlive\"}", 0, DEEPGRAM_KEEP_ALIVE, -1, NULL },
	{ "finalize all", "{\"type\":\"Finalize\"}", 0, DEEPGRAM_FINALIZE, -1, NULL },
	{ "finalize one", "{\"type\":\"Finalize\",\"channel\":1}", 0, DEEPGRAM_FINALIZE, 1, NULL },
	{ "no channel is all of them", "{\"type\":\"Finalize\",\"channel\":null}", 0,
	    DEEPGRAM_FINALIZE, -1, NULL },
	{ "close", "{\"type\":\"CloseStream\",\"more\":[1]}", 0, DEEPGRAM_CLOSE_STREAM, -1, NULL },
	{ "what older clients say", "{\"type\":\"Configure\",\"processors\":{}}", 0,
	    DEEPGRAM_IGNORED, -1, NULL },
	{ "another type is described and no failure", "{\"type\":\"Finalise\"}", 0,
	    DEEPGRAM_UNKNOWN, -1,
	    "type is 'Finalise'; known are KeepAlive, Finalize and CloseStream" },
	{ "a channel that cannot be", "{\"type\":\"Finalize\",\"channel\":2}", -1,
	    DEEPGRAM_FINALIZE, -1, "channel must be 0 or 1" },
	{ "a channel that is no number", "{\"type\":\"Finalize\",\"channel\":\"0\"}", -1,
	    DEEPGRAM_FINALIZE, -1, "channel must be 0 or 1" },
	{ "no type", "{}", -1, DEEPGRAM_UNKNOWN, -1,
	    "a message must have a type: KeepAlive, Finalize or CloseStream" },
	{ "a type that is no text", "{\"type\":3}", -1, DEEPGRAM_UNKNOWN, -1,
	    "a message must have a type: KeepAlive, Finalize or CloseStream" },
	{ "no object", "[]", -1, DEEPGRAM_UNKNOWN, -1,
	    "a message must be a JSON object, not an array" },
	{ "no JSON", "audio", -1, DEEPGRAM_UNKNOWN, -1, NULL },
};

static void is_read(void **state)
{
	const struct row *r = *state;
	struct deepgram_control c;
	struct error err = ERROR_INIT;

	assert_int_equal(deepgram_control_read(r->text, strlen(r->text), &c, &err), r->rc);
	assert_int_equal(c.command, r->command);
	assert_int_equal(c.channel, r->channel);
	if (r->sentence != NULL)
		assert_string_equal(err.text, r->sentence);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, is_read, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("deepgram_control", tests, NULL, NULL);
}
