/* openai: OpenAI's REST interface to speech, docs/protocols/openai.md: one request, one file, one answer. Behind the routes; server
 * process, loop thread only. */
#ifndef ACCESS_OPENAI_H
#define ACCESS_OPENAI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct access;
struct http_exchange;
struct pool;

/* POST /v1/audio/transcriptions: */
void openai_transcribe(struct access *a, struct http_exchange *x);
/* its header has come: who may not is told before sending the file; */
void openai_transcribe_header(struct access *a, struct http_exchange *x);
/* the client left before the answer. */
void openai_transcribe_abort(struct http_exchange *x);

/* POST /v1/audio/translations: the same, where an engine translates; else refused. */
void openai_translate(struct access *a, struct http_exchange *x);

/* GET /v1/models and GET /v1/models/NAME: the pools. */
void openai_models(struct access *a, struct http_exchange *x);
void openai_model(struct access *a, struct http_exchange *x);

/* Whether clients of that request's path expect errors in OpenAI's form; a raw one with its query will do. */
bool openai_is_path(const char *path);

/* Answers with an error in OpenAI's form. What of param, code and retry_after_ms is NULL or 0 is not said. */
struct openai_refusal {
	unsigned status; /* 0: as the error's code asks for */
	const char *param, *code;
	unsigned retry_after_ms;
};
void openai_refuse(
    struct http_exchange *x, const struct error *why, const struct openai_refusal *how);

/* route_refuse_f, in that form. */
void openai_refuse_route(
    struct http_exchange *x, unsigned status, const char *message, const char *headers);

/* Adds x-request-id to the answer, which clients quote in their errors, if it has none yet. */
void openai_add_request_id(struct http_exchange *x);

/* The body that openai_refuse sends; to be freed. NULL: memory is out. */
char *openai_refusal_text(const struct error *why, const struct openai_refusal *how);

/* The error's code as OpenAI's clients know it. */
const char *openai_code(enum error_code code);

/* The pool that a client means by `model`: one of that name, or for "" and a name of the setting openai_models the first for its
 * language ("": not said); NULL and a sentence. */
struct pool *openai_pool(const struct access *a, const struct client *c, const char *model,
    const char *language, struct error *err);

#endif
