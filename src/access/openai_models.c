#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "access/access_internal.h"
#include "access/openai.h"
#include "access/openai_text.h"
#include "access/route.h"
#include "base/error.h"
#include "base/name_list.h"
#include "base/util.h"
#include "net/http.h"
#include "pool/pool.h"

#define MODELS "/v1/models"

bool openai_is_path(const char *path)
{
	static const char *const beginnings[] = { "/v1/audio", "/v1/realtime", MODELS };

	for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++) {
		size_t n = strlen(beginnings[i]);

		if (strncmp(path, beginnings[i], n) == 0 && strchr("/?", path[n]) != NULL)
			return true;
	}
	return false;
}

void openai_add_request_id(struct http_exchange *x)
{
	unsigned char random[16] = { 0 };
	char line[64];
	int n = snprintf(line, sizeof line, "x-request-id: req_");

	if (http_has_added(x, "x-request-id"))
		return;
	(void)!getrandom(random, sizeof random, 0); /* one that is not its own does no harm */
	for (size_t i = 0; i < sizeof random; i++)
		n += snprintf(line + n, sizeof line - (size_t)n, "%02x", random[i]);
	(void)snprintf(line + n, sizeof line - (size_t)n, "\r\n");
	http_add_headers(x, line);
}

void openai_refuse_route(
    struct http_exchange *x, unsigned status, const char *message, const char *headers)
{
	char *text = openai_error_text(status, message, NULL, status == 404 ? "not_found" : NULL);

	http_respond_json_with(x, status, text, headers);
	free(text);
}

static unsigned status_of(enum error_code code)
{
	switch (code) {
	case ERROR_INVALID:
	case ERROR_LIMIT:
		return 400;
	case ERROR_FORBIDDEN:
		return 403;
	case ERROR_BUSY:
	case ERROR_OVERLOADED:
	case ERROR_SESSIONS:
	case ERROR_QUOTA:
		return 429;
	case ERROR_RESTARTING:
	case ERROR_TIMEOUT:
		return 503;
	default:
		return 500;
	}
}

const char *openai_code(enum error_code code)
{
	switch (code) {
	case ERROR_SESSIONS:
		return "rate_limit_exceeded";
	case ERROR_QUOTA:
		return "insufficient_quota";
	default:
		return error_code_name(code);
	}
}

static unsigned status_for(const struct error *why, const struct openai_refusal *how)
{
	return how->status != 0 ? how->status : status_of(why->code);
}

char *openai_refusal_text(const struct error *why, const struct openai_refusal *how)
{
	return openai_error_text(status_for(why, how), why->text, how->param, how->code);
}

void openai_refuse(
    struct http_exchange *x, const struct error *why, const struct openai_refusal *how)
{
	unsigned status = status_for(why, how);
	char *text = openai_refusal_text(why, how), headers[ROUTE_HEADERS_BYTES];

	route_refusal_headers(headers, status, how->retry_after_ms);
	http_respond_json_with(x, status, text, headers);
	free(text);
}

/* What clients ask for that were made for another server and never told otherwise. */
static bool stands_for_any(const struct access *a, const char *model)
{
	return *model == '\0' || name_list_matches(a->cfg.openai_models, model);
}

struct pool *openai_pool(const struct access *a, const struct client *c, const char *model,
    const char *language, struct error *err)
{
	struct pool *pool = *model == '\0' ? NULL : access_pool(a, model, err);

	if (pool == NULL && stands_for_any(a, model))
		pool = access_pool_for_language(a, c, language, err);
	return pool;
}

/* 401 and false without a key. */
static bool is_let_in(struct access *a, struct http_exchange *x, struct client *client)
{
	struct error err;

	if (client_check(a->keys, x, client, &err) == 0)
		return true;
	openai_refuse(
	    x, &err, &(struct openai_refusal){ .status = 401, .code = "invalid_api_key" });
	return false;
}

/* `owner` tells a pool from a name that stands for any. */
static json_t *model_of(const char *name, size_t n, const char *owner)
{
	return json_pack("{s:s%,s:s,s:i,s:s}", "id", name, n, "object", "model", "created", 0,
	    "owned_by", owner);
}

static json_t *model_of_pool(const struct pool *pool)
{
	return model_of(pool_name(pool), strlen(pool_name(pool)), "stenopool");
}

/* What clients look for in the list, where a pattern lets it in. */
static const char *const well_known[] = { "whisper-1", "gpt-4o-transcribe",
	"gpt-4o-mini-transcribe", "gpt-4o-transcribe-diarize", "gpt-transcribe" };

static void add_stand_in(const struct access *a, json_t *data, const char *name, size_t n)
{
	if (!access_has_pool(a, name, n))
		(void)json_array_append_new(data, model_of(name, n, "openai"));
}

static void answer(struct http_exchange *x, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	json_decref(object);
	http_respond_json(x, text == NULL ? 500 : 200, text == NULL ? "{}" : text);
	free(text);
}

void openai_models(struct access *a, struct http_exchange *x)
{
	struct client client;
	const char *list = a->cfg.openai_models, *name;
	json_t *data;
	size_t n;

	if (!is_let_in(a, x, &client))
		return;
	data = json_array();
	for (unsigned i = 0; i < a->pools_n; i++)
		(void)json_array_append_new(data, model_of_pool(a->pools[i]));
	while ((name = name_list_next(&list, &n)) != NULL)
		if (name[n - 1] != '*')
			add_stand_in(a, data, name, n);
	for (size_t i = 0; i < ARRAY_SIZE(well_known); i++)
		if (!name_list_has(a->cfg.openai_models, well_known[i]) &&
		    name_list_matches(a->cfg.openai_models, well_known[i]))
			add_stand_in(a, data, well_known[i], strlen(well_known[i]));
	answer(x, json_pack("{s:s,s:o}", "object", "list", "data", data));
}

void openai_model(struct access *a, struct http_exchange *x)
{
	const char *name = http_path(x) + strlen(MODELS "/");
	struct client client;
	struct error err;

	if (!is_let_in(a, x, &client))
		return;
	if (*name == '\0' || openai_pool(a, &client, name, "", &err) == NULL) {
		(void)error_set(&err, ERROR_INVALID, "there is no model \"%.40s\"", name);
		openai_refuse(x, &err,
		    &(struct openai_refusal){
			.status = 404, .param = "model", .code = "model_not_found" });
		return;
	}
	answer(x,
	    model_of(name, strlen(name),
		access_has_pool(a, name, strlen(name)) ? "stenopool" : "openai"));
}
