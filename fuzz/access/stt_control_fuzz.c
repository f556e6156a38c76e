/* Requests and commands of RealtimeSTT's clients: each is answered, whatever it is. */
#include <assert.h>
#include <stdint.h>

#include "access/stt_control_text.h"
#include "access/stt_fastapi_text.h"
#include "audio/endpoint.h"
#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_set(const struct stt_request *r)
{
	struct endpoint_config e = ENDPOINT_CONFIG_DEFAULT;
	struct stt_settings s = { 0 };
	struct error err = ERROR_INIT;

	if (stt_settings_set(&s, r, &err) < 0)
		assert(err.text[0] != '\0' && !s.is_set[r->parameter]);
	stt_settings_apply(&s, &e);
	assert(e.post_silence_ms >= 100 && e.post_silence_ms <= 10000);
	assert(e.vad_sensitivity >= 0 && e.vad_sensitivity <= 1);
}

static json_t *reply_of(const struct stt_request *r)
{
	const struct endpoint_config e = ENDPOINT_CONFIG_DEFAULT;
	const struct stt_settings s = { 0 };
	const struct stt_facts facts = { 0 };

	if (r->kind == STT_GET)
		return stt_reply_value(r, stt_request_value(r, &s, &e, &facts));
	if (r->kind == STT_SET)
		check_set(r);
	else
		(void)stt_request_turns_on(r);
	return stt_reply_done(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct error err = ERROR_INIT;
	enum stt_fastapi_command command;
	struct stt_request r;
	json_t *reply;

	if (stt_request_read((const char *)bytes, n, &r, &err) < 0)
		reply = stt_reply_error(&r, err.text);
	else
		reply = reply_of(&r);
	assert(reply != NULL);
	json_decref(reply);
	stt_request_done(&r);
	if (stt_fastapi_read((const char *)bytes, n, &command, &err) == 0)
		assert(command < STT_FASTAPI_COMMANDS);
	return 0;
}
