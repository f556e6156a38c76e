#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
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
	{ "configure", "{\"type\":\"Configure\"}", 0, DEEPGRAM_CONFIGURE, -1, NULL },
	{ "another type is described and no failure", "{\"type\":\"Finalise\"}", 0,
	    DEEPGRAM_UNKNOWN, -1,
	    "type is 'Finalise'; known are KeepAlive, Finalize, Configure and CloseStream" },
	{ "a channel that cannot be", "{\"type\":\"Finalize\",\"channel\":8}", -1,
	    DEEPGRAM_FINALIZE, -1, "channel must be a number from 0 to 7" },
	{ "a channel that is no number", "{\"type\":\"Finalize\",\"channel\":\"0\"}", -1,
	    DEEPGRAM_FINALIZE, -1, "channel must be a number from 0 to 7" },
	{ "no type", "{}", -1, DEEPGRAM_UNKNOWN, -1,
	    "a message must have a type: KeepAlive, Finalize, Configure or CloseStream" },
	{ "a type that is no text", "{\"type\":3}", -1, DEEPGRAM_UNKNOWN, -1,
	    "a message must have a type: KeepAlive, Finalize, Configure or CloseStream" },
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

/* What a Configure has beside its type. */
static struct configure {
	const char *name, *fields, *failure, *sentence;
	bool keyterms, unformatted;
} configures[] = {
	{ "of nothing it succeeds", "", NULL, NULL, false, false },
	{ "keyterms that stay", ",\"keyterms\":null,\"features\":null", NULL, NULL, false, false },
	{ "keyterms that go", ",\"keyterms\":[]", NULL, NULL, true, false },
	{ "keyterms that come", ",\"keyterms\":[\"a\"]", "CONFIGURE_KEYTERMS_NOT_SUPPORTED",
	    "keyterms cannot be set: the recogniser's words are not weighted; the settings are as "
	    "they were",
	    false, false },
	{ "keyterms that are none", ",\"keyterms\":\"a\"", "CONFIGURE_INVALID",
	    "keyterms is text; it must be a list of texts", false, false },
	{ "a feature that goes", ",\"features\":{\"numerals\":false}", NULL, NULL, false, false },
	{ "formatting that goes", ",\"features\":{\"numerals\":false,\"punctuate\":false}", NULL,
	    NULL, false, true },
	{ "a feature that comes", ",\"features\":{\"punctuate\":false,\"numerals\":true}",
	    "CONFIGURE_FEATURE_NOT_SUPPORTED",
	    "the feature numerals cannot be switched on, as this server does not have it; the "
	    "settings are as they were",
	    false, true },
	{ "a feature that is neither", ",\"features\":{\"numerals\":1}", "CONFIGURE_INVALID",
	    "the feature numerals must be true or false", false, false },
	{ "features that are none", ",\"features\":[]", "CONFIGURE_INVALID",
	    "features is an array; it must be an object of true and false", false, false },
	{ "what older clients say", ",\"processors\":{}", "CONFIGURE_INVALID",
	    "Configure knows keyterms and features, and no processors", false, false },
};

static void is_configured(void **state)
{
	const struct configure *r = *state;
	struct deepgram_control c;
	struct error err = ERROR_INIT;
	char text[200];

	(void)snprintf(text, sizeof text, "{\"type\":\"Configure\"%s}", r->fields);
	assert_int_equal(deepgram_control_read(text, strlen(text), &c, &err), 0);
	assert_int_equal(c.command, DEEPGRAM_CONFIGURE);
	assert_int_equal(c.configure.keyterms, r->keyterms);
	assert_int_equal(c.configure.unformatted, r->unformatted);
	assert_int_equal(c.configure.failure == NULL, r->failure == NULL);
	if (r->failure == NULL)
		return;
	assert_string_equal(c.configure.failure, r->failure);
	assert_string_equal(err.text, r->sentence);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)], configured[ARRAY_SIZE(configures)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, is_read, NULL, NULL, &rows[i] };
	for (size_t i = 0; i < ARRAY_SIZE(configures); i++)
		configured[i] = (struct CMUnitTest){ configures[i].name, is_configured, NULL, NULL,
			&configures[i] };
	return cmocka_run_group_tests_name("deepgram_control", tests, NULL, NULL) +
	    cmocka_run_group_tests_name("configure", configured, NULL, NULL);
}
