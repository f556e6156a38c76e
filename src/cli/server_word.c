/* What the modules of the server are told of its settings. */
#define _GNU_SOURCE
#include "access/access.h"
#include "cli/server_internal.h"
#include "media/decoder.h"

void server_word_access(const struct config *c, struct access_config *out)
{
	*out = (struct access_config){ .session = c->session,
		.endpoint = c->endpoint,
		.start_timeout_ms = c->start_timeout_ms,
		.deepgram_timeout_ms = c->deepgram_timeout_ms,
		.deepgram_max_file_bytes = c->deepgram_max_file_bytes,
		.spool_dir = c->spool_dir,
		.openai_realtime_timeout_ms = c->openai_realtime_timeout_ms,
		.whisperlive_max_connection_time_ms = c->whisperlive_max_connection_time_ms,
		.ping_interval_ms = c->ping_interval_ms,
		.ping_timeout_ms = c->ping_timeout_ms,
		.allowed_origins = c->allowed_origins,
		.openai_models = c->openai_models,
		.openai_commit_models = c->openai_commit_models,
		.is_open = c->allow_open == 1,
		.log_text = c->log_text == 1 };
	out->session.piece_bytes = c->http.max_message_bytes;
}

void server_word_decoder(const struct config *c, struct decoder_config *out)
{
	*out = c->decoder;
	out->max_body_bytes = c->http.max_body_bytes;
	out->piece_bytes = c->http.max_message_bytes;
}
