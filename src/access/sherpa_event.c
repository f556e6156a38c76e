#include "access/sherpa_event.h"

#include <stdbool.h>

#include "access/json_text.h"

/* All fields that the reference has, since clients may take each for granted. */
static json_t *segment_of(
    unsigned segment, uint64_t start_ms, const char *text, size_t n, bool is_final)
{
	return json_pack("{s:o,s:[],s:[],s:[],s:[],s:[],s:I,s:[],s:o,s:b,s:b}", "text",
	    json_text_of(text, n), "tokens", "timestamps", "ys_probs", "lm_probs", "context_scores",
	    "segment", (json_int_t)segment, "words", "start_time", json_text_seconds(start_ms),
	    "is_final", is_final, "is_eof", 0);
}

json_t *sherpa_partial(unsigned segment, uint64_t start_ms, const char *text, size_t n)
{
	return segment_of(segment, start_ms, text, n, false);
}

json_t *sherpa_nothing(unsigned segment, uint64_t start_ms)
{
	return segment_of(segment, start_ms, "", 0, true);
}

static json_t *token_of(const struct session_word *w)
{
	json_t *word = json_text_of(w->text, w->text_bytes);
	json_t *token = word == NULL ? NULL : json_sprintf(" %s", json_string_value(word));

	json_decref(word);
	return token;
}

json_t *sherpa_final(unsigned segment, const struct session_event *e)
{
	uint64_t start_ms = e->final.start_ms;
	json_t *o = segment_of(segment, start_ms, e->final.text, e->final.text_bytes, true);

	for (size_t i = 0; i < e->final.words_n; i++) {
		const struct session_word *w = &e->final.words[i];

		(void)json_array_append_new(json_object_get(o, "tokens"), token_of(w));
		(void)json_array_append_new(json_object_get(o, "timestamps"),
		    json_text_seconds(w->start_ms < start_ms ? 0 : w->start_ms - start_ms));
	}
	if (e->final.incomplete != NULL)
		(void)json_object_set_new(o, "incomplete", json_true());
	return o;
}

/* With all fields of the reference, which tells no language, emotion or event with most of its models. */
json_t *sherpa_result(void)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:[],s:[],s:[],s:[],s:[]}", "lang", "", "emotion", "",
	    "event", "", "text", "", "timestamps", "durations", "tokens", "ys_log_probs", "words");
}

static void add_text(json_t *result, const char *text, size_t n)
{
	const char *had = json_string_value(json_object_get(result, "text"));
	json_t *more = json_text_of(text, n);

	if (had != NULL && more != NULL && n > 0)
		(void)json_object_set_new(result, "text",
		    json_sprintf("%s%s%s", had, *had == '\0' ? "" : " ", json_string_value(more)));
	json_decref(more);
}

void sherpa_result_add(json_t *result, const struct session_event *e)
{
	add_text(result, e->final.text, e->final.text_bytes);
	for (size_t i = 0; i < e->final.words_n; i++) {
		const struct session_word *w = &e->final.words[i];

		(void)json_array_append_new(json_object_get(result, "tokens"), token_of(w));
		(void)json_array_append_new(
		    json_object_get(result, "timestamps"), json_text_seconds(w->start_ms));
		(void)json_array_append_new(json_object_get(result, "durations"),
		    json_text_seconds(w->end_ms < w->start_ms ? 0 : w->end_ms - w->start_ms));
	}
}

void sherpa_set_eof(json_t *final)
{
	(void)json_object_set_new(final, "is_eof", json_true());
}
