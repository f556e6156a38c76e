#include "access/wyoming_event.h"

#include <string.h>

#include "access/json_text.h"
#include "access/language.h"
#include "base/error.h"

enum { WIDTH_MAX = 4 };

static int read_number(const json_t *data, const char *field, unsigned min, unsigned max,
    unsigned *out, struct error *err)
{
	const json_t *v = json_object_get(data, field);

	if (v == NULL || json_is_null(v) || json_text_whole(v, min, max, out))
		return 0;
	return error_set(
	    err, ERROR_INVALID, "%s must be a whole number from %u to %u", field, min, max);
}

int wyoming_read_format(const json_t *data, struct wyoming_format *f, struct error *err)
{
	struct wyoming_format copy = *f;

	if (read_number(data, "rate", FORMAT_RATE_MIN_HZ, FORMAT_RATE_MAX_HZ, &copy.rate_hz, err) <
		0 ||
	    read_number(data, "width", 1, WIDTH_MAX, &copy.width, err) < 0 ||
	    read_number(data, "channels", 1, FORMAT_CHANNELS_MAX, &copy.channels, err) < 0)
		return -1;
	*f = copy;
	return 0;
}

bool wyoming_format_is(const struct wyoming_format *a, const struct wyoming_format *b)
{
	return a->rate_hz == b->rate_hz && a->width == b->width && a->channels == b->channels;
}

struct format wyoming_ear_format(const struct wyoming_format *f)
{
	static const enum encoding by_width[WIDTH_MAX + 1] = {
		[1] = ENCODING_U8, [2] = ENCODING_S16LE, [3] = ENCODING_S24LE, [4] = ENCODING_S32LE
	};

	return (struct format){ by_width[f->width], f->rate_hz, f->channels };
}

uint64_t wyoming_timestamp_ms(const json_t *data)
{
	json_int_t ms = json_integer_value(json_object_get(data, "timestamp"));

	return ms < 0 || ms > 9000000000000000 ? 0 : (uint64_t)ms;
}

static void read_text(const json_t *data, const char *field, char *out, size_t size)
{
	const json_t *v = json_object_get(data, field);

	out[0] = '\0';
	if (json_is_string(v) && json_string_length(v) < size)
		memcpy(out, json_string_value(v), json_string_length(v) + 1);
}

static void read_words(const json_t *data, const char *field, struct wanted *to)
{
	const json_t *words = json_object_get(data, field), *word;
	size_t i;

	json_array_foreach(words, i, word)
	{
		if (json_is_string(word))
			wanted_hot_words(to, json_string_value(word), json_string_length(word));
	}
}

void wyoming_read_wish(const json_t *data, struct wyoming_wish *wish)
{
	read_text(data, "name", wish->model, sizeof wish->model);
	read_text(data, "language", wish->language, sizeof wish->language);
	wanted_done(&wish->wanted);
	wanted_language(&wish->wanted, wish->language);
	read_words(data, "transcript_names", &wish->wanted); /* go before terms */
	read_words(data, "transcript_terms", &wish->wanted);
}

void wyoming_wish_done(struct wyoming_wish *wish)
{
	wanted_done(&wish->wanted);
	*wish = (struct wyoming_wish){ .model = "" };
}

static int find(const char *name, const struct language_pool *pools, unsigned pools_n)
{
	for (unsigned i = 0; i < pools_n; i++)
		if (strcmp(pools[i].name, name) == 0)
			return (int)i;
	return -1;
}

int wyoming_choose(
    const struct wyoming_wish *wish, const struct language_pool *pools, unsigned pools_n)
{
	int i = find(wish->model, pools, pools_n);

	return i < 0 ? language_choose(wish->language, pools, pools_n) : i;
}

/* Each thing of an info has to say whose it is, and that it is there. */
static json_t *thing(const char *name, const char *description)
{
	return json_pack("{s:s,s:s,s:s,s:b,s:{s:s,s:s}}", "name", name, "description", description,
	    "version", STENOPOOL_VERSION, "installed", 1, "attribution", "name", "Stenopool", "url",
	    "");
}

static json_t *model_of(const struct language_pool *pool)
{
	json_t *model = thing(pool->name, pool->name), *languages = json_array();
	char code[LANGUAGE_BYTES];

	for (size_t i = 0; language_next(pool, &i, code);)
		(void)json_array_append_new(languages, json_string(code));
	(void)json_object_set_new(model, "languages", languages);
	return model;
}

json_t *wyoming_info(const struct language_pool *pools, unsigned pools_n)
{
	json_t *program = thing("stenopool", "Stenopool speech-to-text"), *models = json_array();

	for (unsigned i = 0; i < pools_n; i++)
		(void)json_array_append_new(models, model_of(&pools[i]));
	(void)json_object_set_new(program, "models", models);
	(void)json_object_set_new(program, "supports_transcript_streaming", json_true());
	(void)json_object_set_new(program, "requires_external_vad", json_true());
	return json_pack("{s:[o],s:[],s:[],s:[],s:[],s:[],s:[]}", "asr", program, "tts", "handle",
	    "intent", "wake", "mic", "snd");
}
