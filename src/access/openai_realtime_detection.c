#include "access/openai_realtime_detection.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "access/openai_realtime_patch.h"
#include "base/util.h"

/* What a client may set and our endpointer takes: more is brought into range rather than refused, as the hosted service's
 * range is another one. */
enum { PREFIX_MAX_MS = 2000, SILENCE_MIN_MS = 100, SILENCE_MAX_MS = 10000 };

static const struct eagerness {
	const char *word;
	unsigned silence_ms;
} eagernesses[] = { { "low", 1500 }, { "medium", 800 }, { "auto", 800 }, { "high", 400 } };

static const struct eagerness *eagerness_of(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(eagernesses); i++)
		if (strcmp(eagernesses[i].word, word) == 0)
			return &eagernesses[i];
	return NULL;
}

static bool is_semantic(const json_t *type)
{
	return strcmp(json_string_value(type), "semantic_vad") == 0;
}

static json_t *server_vad(const struct endpoint_config *e)
{
	return json_pack("{s:s,s:f,s:i,s:i}", "type", "server_vad", "threshold",
	    1.0 - e->vad_sensitivity, "prefix_padding_ms", (int)e->pre_roll_ms,
	    "silence_duration_ms", (int)e->post_silence_ms);
}

static int check_type(const struct realtime_patch *p, const json_t *v)
{
	if (!json_is_string(v))
		return realtime_patch_refuse_kind(p, "text", v);
	if (is_semantic(v) || strcmp(json_string_value(v), "server_vad") == 0)
		return 0;
	return realtime_patch_refuse_word(p, json_string_value(v), "server_vad or semantic_vad");
}

static int check_threshold(const struct realtime_patch *p, const json_t *v)
{
	double d = json_number_value(v);

	if (json_is_null(v))
		return 0;
	if (!json_is_number(v))
		return realtime_patch_refuse_kind(p, "a number", v);
	return d >= 0 && d <= 1 ? 0
				: realtime_patch_refuse(p, "invalid_value",
				      "threshold %.16g is out of range; 0 to 1", d);
}

static int check_ms(const struct realtime_patch *p, const json_t *v)
{
	double d = json_number_value(v);

	if (json_is_null(v))
		return 0;
	if (!json_is_number(v))
		return realtime_patch_refuse_kind(p, "a number of milliseconds", v);
	return d >= 0 && d <= 1e9 ? 0
				  : realtime_patch_refuse(p, "invalid_value",
					"%.16g ms is out of range; 0 to 1000000000", d);
}

static int check_eagerness(const struct realtime_patch *p, const json_t *v)
{
	if (json_is_null(v))
		return 0;
	if (!json_is_string(v))
		return realtime_patch_refuse_kind(p, "text", v);
	return eagerness_of(json_string_value(v)) != NULL
	    ? 0
	    : realtime_patch_refuse_word(p, json_string_value(v), "low, medium, high or auto");
}

static const struct realtime_field fields[] = { { "type", check_type },
	{ "threshold", check_threshold }, { "prefix_padding_ms", check_ms },
	{ "silence_duration_ms", check_ms }, { "idle_timeout_ms", check_ms },
	{ "eagerness", check_eagerness }, { "create_response", NULL },
	{ "interrupt_response", NULL } };

static void clamp(json_t *object, const char *name, unsigned min, unsigned max)
{
	const json_t *v = json_object_get(object, name);
	double ms = json_number_value(v);

	if (v == NULL)
		return;
	ms = ms < min ? min : ms > max ? max : floor(ms);
	(void)json_object_set_new(object, name, json_integer((json_int_t)ms));
}

static json_t *merged(
    const json_t *was, const json_t *type, const json_t *v, const struct endpoint_config *settings)
{
	bool same = json_equal(json_object_get(was, "type"), (json_t *)(uintptr_t)type) != 0;
	json_t *all = realtime_patch_merged(same ? was : NULL, v);
	json_t *rest = is_semantic(type)
	    ? json_pack("{s:s,s:s}", "type", "semantic_vad", "eagerness", "auto")
	    : server_vad(settings);

	(void)json_object_update_missing(all, rest);
	json_decref(rest);
	clamp(all, "prefix_padding_ms", 0, PREFIX_MAX_MS);
	clamp(all, "silence_duration_ms", SILENCE_MIN_MS, SILENCE_MAX_MS);
	return all;
}

json_t *realtime_detection_default(const struct endpoint_config *settings)
{
	return settings->endpointing == ENDPOINTING_MANUAL ? json_null() : server_vad(settings);
}

json_t *realtime_detection_patched(const struct realtime_patch *p, const json_t *was,
    const json_t *v, const struct endpoint_config *settings)
{
	const json_t *type = json_object_get(v, "type");

	if (json_is_null(v))
		return json_null();
	if (realtime_patch_walk(p, v, fields, ARRAY_SIZE(fields)) < 0)
		return NULL;
	if (type == NULL)
		type = json_object_get(was, "type");
	if (type != NULL)
		return merged(was, type, v, settings);
	(void)realtime_patch_within(p, "type",
	    realtime_patch_refuse(
		p, "missing_required_parameter", "type is missing; server_vad or semantic_vad"));
	return NULL;
}

void realtime_detection_read(const json_t *detection, struct endpoint_config *out)
{
	const json_t *eagerness = json_object_get(detection, "eagerness");

	out->endpointing = json_is_null(detection) ? ENDPOINTING_MANUAL : ENDPOINTING_VAD;
	if (json_is_null(detection))
		return;
	if (is_semantic(json_object_get(detection, "type"))) {
		out->post_silence_ms = eagerness_of(json_string_value(eagerness))->silence_ms;
		return;
	}
	out->vad_sensitivity = 1.0 - json_number_value(json_object_get(detection, "threshold"));
	out->pre_roll_ms =
	    (unsigned)json_integer_value(json_object_get(detection, "prefix_padding_ms"));
	out->post_silence_ms =
	    (unsigned)json_integer_value(json_object_get(detection, "silence_duration_ms"));
}
