#include "access/deepgram_control.h"

#include <string.h>

#include "access/json_text.h"
#include "base/error.h"
#include "base/util.h"

enum { SHOWN_BYTES = 40 };

static const struct {
	const char *type;
	enum deepgram_command command;
} commands[] = {
	{ "KeepAlive", DEEPGRAM_KEEP_ALIVE },
	{ "Finalize", DEEPGRAM_FINALIZE },
	{ "CloseStream", DEEPGRAM_CLOSE_STREAM },
	{ "Configure", DEEPGRAM_IGNORED },
};

static void read_type(const char *type, struct deepgram_control *out, struct error *err)
{
	out->command = DEEPGRAM_UNKNOWN;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(type, commands[i].type) == 0)
			out->command = commands[i].command;
	if (out->command == DEEPGRAM_UNKNOWN)
		(void)error_set(err, ERROR_INVALID,
		    "type is '%.*s'; known are KeepAlive, Finalize and CloseStream",
		    json_text_whole_characters(type, SHOWN_BYTES), type);
}

static int read_channel(const json_t *message, struct deepgram_control *out, struct error *err)
{
	const json_t *channel = json_object_get(message, "channel");
	json_int_t n = json_integer_value(channel);

	if (channel == NULL || json_is_null(channel))
		return 0;
	if (!json_is_integer(channel) || n < 0 || n > 1)
		return error_set(err, ERROR_INVALID, "channel must be 0 or 1");
	out->channel = (int)n;
	return 0;
}

int deepgram_control_read(
    const char *text, size_t n, struct deepgram_control *out, struct error *err)
{
	json_t *message = json_text_read_object(text, n, err);
	const char *type;
	int rc;

	*out = (struct deepgram_control){ DEEPGRAM_UNKNOWN, -1 };
	if (message == NULL)
		return -1;
	type = json_string_value(json_object_get(message, "type"));
	if (type == NULL) {
		rc = error_set(err, ERROR_INVALID,
		    "a message must have a type: KeepAlive, Finalize or CloseStream");
	} else {
		read_type(type, out, err);
		rc = read_channel(message, out, err);
	}
	json_decref(message);
	return rc;
}
