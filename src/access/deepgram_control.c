#include "access/deepgram_control.h"

#include <stdio.h>
#include <string.h>

#include "access/deepgram_query.h"
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
	{ "Configure", DEEPGRAM_CONFIGURE },
};

static void read_type(const char *type, struct deepgram_control *out, struct error *err)
{
	out->command = DEEPGRAM_UNKNOWN;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(type, commands[i].type) == 0)
			out->command = commands[i].command;
	if (out->command == DEEPGRAM_UNKNOWN)
		(void)error_set(err, ERROR_INVALID,
		    "type is '%.*s'; known are KeepAlive, Finalize, Configure and CloseStream",
		    json_text_whole_characters(type, SHOWN_BYTES), type);
}

static int read_channel(const json_t *message, struct deepgram_control *out, struct error *err)
{
	const json_t *channel = json_object_get(message, "channel");
	json_int_t n = json_integer_value(channel);

	if (channel == NULL || json_is_null(channel))
		return 0;
	if (!json_is_integer(channel) || n < 0 || n >= DEEPGRAM_CHANNELS_MAX)
		return error_set(err, ERROR_INVALID, "channel must be a number from 0 to %d",
		    DEEPGRAM_CHANNELS_MAX - 1);
	out->channel = (int)n;
	return 0;
}

/* Returns the code of the failure, or NULL. */
static const char *read_keyterms(
    const json_t *keyterms, struct deepgram_control *out, struct error *err)
{
	if (keyterms == NULL || json_is_null(keyterms))
		return NULL;
	if (!json_is_array(keyterms)) {
		(void)error_set(err, ERROR_INVALID, "keyterms is %s; it must be a list of texts",
		    json_text_kind(keyterms));
		return "CONFIGURE_INVALID";
	}
	if (json_array_size(keyterms) > 0) {
		(void)error_set(err, ERROR_INVALID,
		    "keyterms cannot be set: the recogniser's words are not weighted; the settings "
		    "are as they were");
		return "CONFIGURE_KEYTERMS_NOT_SUPPORTED";
	}
	out->configure.keyterms = true;
	return NULL;
}

/* What is off here can be switched off, and nothing on. */
static const char *read_feature(
    const char *name, const json_t *value, struct deepgram_control *out, struct error *err)
{
	char shown[SHOWN_BYTES + 1];

	(void)snprintf(
	    shown, sizeof shown, "%.*s", json_text_whole_characters(name, SHOWN_BYTES), name);
	if (!json_is_boolean(value)) {
		(void)error_set(err, ERROR_INVALID, "the feature %s must be true or false", shown);
		return "CONFIGURE_INVALID";
	}
	if (json_is_true(value)) {
		(void)error_set(err, ERROR_INVALID,
		    "the feature %s cannot be switched on, as this server does not have it; the "
		    "settings are as they were",
		    shown);
		return "CONFIGURE_FEATURE_NOT_SUPPORTED";
	}
	if (strcmp(name, "punctuate") == 0 || strcmp(name, "smart_format") == 0)
		out->configure.unformatted = true;
	return NULL;
}

static const char *read_features(json_t *features, struct deepgram_control *out, struct error *err)
{
	const char *failure = NULL;
	void *at;

	if (features == NULL || json_is_null(features))
		return NULL;
	if (!json_is_object(features)) {
		(void)error_set(err, ERROR_INVALID,
		    "features is %s; it must be an object of true and false",
		    json_text_kind(features));
		return "CONFIGURE_INVALID";
	}
	for (at = json_object_iter(features); at != NULL && failure == NULL;
	     at = json_object_iter_next(features, at))
		failure =
		    read_feature(json_object_iter_key(at), json_object_iter_value(at), out, err);
	return failure;
}

static const char *check_fields(json_t *message, struct error *err)
{
	char shown[SHOWN_BYTES + 1];

	for (void *at = json_object_iter(message); at != NULL;
	     at = json_object_iter_next(message, at)) {
		const char *name = json_object_iter_key(at);

		if (strcmp(name, "type") == 0 || strcmp(name, "keyterms") == 0 ||
		    strcmp(name, "features") == 0)
			continue;
		(void)snprintf(shown, sizeof shown, "%.*s",
		    json_text_whole_characters(name, SHOWN_BYTES), name);
		(void)error_set(
		    err, ERROR_INVALID, "Configure knows keyterms and features, and no %s", shown);
		return "CONFIGURE_INVALID";
	}
	return NULL;
}

static void read_configure(json_t *message, struct deepgram_control *out, struct error *err)
{
	out->configure.failure = check_fields(message, err);
	if (out->configure.failure == NULL)
		out->configure.failure =
		    read_keyterms(json_object_get(message, "keyterms"), out, err);
	if (out->configure.failure == NULL)
		out->configure.failure =
		    read_features(json_object_get(message, "features"), out, err);
}

int deepgram_control_read(
    const char *text, size_t n, struct deepgram_control *out, struct error *err)
{
	json_t *message = json_text_read_object(text, n, err);
	const char *type;
	int rc;

	*out = (struct deepgram_control){ .command = DEEPGRAM_UNKNOWN, .channel = -1 };
	if (message == NULL)
		return -1;
	type = json_string_value(json_object_get(message, "type"));
	if (type == NULL) {
		rc = error_set(err, ERROR_INVALID,
		    "a message must have a type: KeepAlive, Finalize, Configure or CloseStream");
	} else {
		read_type(type, out, err);
		rc = read_channel(message, out, err);
		if (out->command == DEEPGRAM_CONFIGURE)
			read_configure(message, out, err);
	}
	json_decref(message);
	return rc;
}
