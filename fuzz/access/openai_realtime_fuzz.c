/* What Realtime clients send: several messages, one a line, to one session. Whatever comes, it is taken or refused in one
 * sentence, the session can be shown, and what it means for the ear is in its ranges. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "access/openai_realtime_command.h"
#include "access/openai_realtime_event.h"
#include "access/openai_realtime_session.h"
#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(const struct realtime_session *s)
{
	json_t *shown = realtime_session_json(s);
	struct error err = ERROR_INIT;
	struct ear_config ear;

	assert(shown != NULL);
	json_decref(shown);
	realtime_session_ear(s, &ear);
	assert(endpoint_config_check(&ear.endpoint, &err) == 0);
	assert(format_check(&ear.format, &err) == 0);
	assert(realtime_session_model(s) != NULL);
}

static void refuse(struct realtime_ids *ids, const struct error *why,
    const struct realtime_blame *blame, const struct realtime_command *c)
{
	json_t *event;

	assert(why->text[0] != '\0' && blame->code != NULL);
	assert(memchr(blame->param, '\0', sizeof blame->param) != NULL);
	event = realtime_event_error(ids, why, blame, c->event_id);
	assert(event != NULL);
	json_decref(event);
}

static void update(
    struct realtime_session *s, struct realtime_ids *ids, const struct realtime_command *c)
{
	struct realtime_session next;
	struct realtime_blame blame;
	struct error err = ERROR_INIT;

	realtime_session_copy(&next, s);
	if (realtime_session_update(&next, c->session, &err, &blame) < 0) {
		refuse(ids, &err, &blame, c);
		realtime_session_done(&next);
	} else {
		check(&next);
		realtime_session_move(s, &next);
	}
	check(s);
}

static void decode(struct realtime_ids *ids, const struct realtime_command *c)
{
	uint8_t piece[REALTIME_PIECE_BYTES];
	struct realtime_blame blame = { 0 };
	struct error err = ERROR_INIT;
	size_t at = 0;

	while (at < c->audio_n)
		if (realtime_command_audio(c, &at, piece, &err, &blame) < 0) {
			refuse(ids, &err, &blame, c);
			return;
		}
}

static void take(struct realtime_session *s, struct realtime_ids *ids, const char *text, size_t n)
{
	struct realtime_command c;
	struct realtime_blame blame;
	struct error err = ERROR_INIT;

	if (realtime_command_read(&c, text, n, &err, &blame) < 0)
		refuse(ids, &err, &blame, &c);
	else if (c.kind == REALTIME_UPDATE || c.kind == REALTIME_UPDATE_BETA)
		update(s, ids, &c);
	else if (c.kind == REALTIME_APPEND)
		decode(ids, &c);
	assert(c.audio_n <= n);
	realtime_command_done(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const struct endpoint_config defaults = { ENDPOINTING_VAD, 0.5, 300, 100, 600, 200,
		0, 30000, NULL };
	struct realtime_ids ids = { .nonce = "0123456789abcdef" };
	struct realtime_session s;
	const char *text = (const char *)bytes;

	realtime_session_init(&s, "sess_1", n > 0 && bytes[0] == '!' ? "caf\xe9" : "", &defaults);
	check(&s);
	while (n > 0) {
		const char *end = memchr(text, '\n', n);
		size_t line = end == NULL ? n : (size_t)(end - text);

		take(&s, &ids, text, line);
		text += line + (end != NULL);
		n -= line + (end != NULL);
	}
	realtime_session_done(&s);
	return 0;
}
