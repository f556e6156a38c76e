#define _GNU_SOURCE
#include "access/openai_text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/openai_cues.h"
#include "base/util.h"
#include "net/utf8.h"

static const struct {
	const char *name, *type;
} formats[OPENAI_FORMATS] = {
	[OPENAI_JSON] = { "json", "application/json" },
	[OPENAI_TEXT] = { "text", "text/plain; charset=utf-8" },
	[OPENAI_SRT] = { "srt", "text/plain; charset=utf-8" },
	[OPENAI_VTT] = { "vtt",
	    "text/plain; charset=utf-8" }, /* some clients take nothing else for a text */
	[OPENAI_VERBOSE_JSON] = { "verbose_json", "application/json" },
	[OPENAI_DIARIZED_JSON] = { "diarized_json", "application/json" },
};

bool openai_format_parse(const char *word, size_t n, enum openai_format *out)
{
	for (int f = 0; f < OPENAI_FORMATS; f++)
		if (strlen(formats[f].name) == n && memcmp(formats[f].name, word, n) == 0) {
			*out = (enum openai_format)f;
			return true;
		}
	return false;
}

const char *openai_format_type(enum openai_format f)
{
	return formats[f].type;
}

/* Text comes from an instance, which nobody vouches for: what is not UTF-8 is made so byte by byte, and what would end a
 * subtitle becomes a blank. */
static char *clean(const char *bytes, size_t n)
{
	struct utf8 u = { 0 };
	bool good = utf8_take(&u, (const uint8_t *)bytes, n) && utf8_is_whole(&u);
	char *text = malloc(n + 1);

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];

		text[i] = c < 0x20 || c == 0x7f ? ' ' : c >= 0x80 && !good ? '?' : bytes[i];
	}
	text[n] = '\0';
	return text;
}

/* Takes `piece`, whose text is still to be set. */
static int add(struct openai_pieces *p, struct openai_piece piece, const char *text, size_t n)
{
	if (p->n == p->cap) {
		size_t cap = MAX(16u, 2 * p->cap);
		struct openai_piece *at = reallocarray(p->at, cap, sizeof *at);

		if (at == NULL)
			return -1;
		p->at = at;
		p->cap = cap;
	}
	piece.end_ms = MAX(piece.start_ms, piece.end_ms);
	piece.text = clean(text, n);
	if (piece.text == NULL)
		return -1;
	p->at[p->n++] = piece;
	return 0;
}

struct cutting {
	struct openai_transcript *t;
	const struct session_event *final;
};

static int add_cue(void *arg, const struct openai_cue *cue)
{
	struct cutting *c = arg;
	const char *text = c->final->final.text;

	return add(&c->t->segments,
	    (struct openai_piece){ .start_ms = cue->start_ms,
		.end_ms = cue->end_ms,
		.follows = cue->from > 0 && text[cue->from - 1] != ' ' },
	    text + cue->from, cue->to - cue->from);
}

int openai_transcript_add(struct openai_transcript *t, const struct session_event *e)
{
	struct cutting c = { t, e };

	t->incomplete |= e->final.incomplete != NULL;
	if (t->language[0] == '\0')
		memcpy(t->language, e->final.language, sizeof t->language);
	if (e->final.text_bytes == 0)
		return 0;
	if (add(&t->texts, (struct openai_piece){ 0 }, e->final.text, e->final.text_bytes) != 0 ||
	    openai_cues_of(e, add_cue, &c) != 0)
		return -1;
	for (size_t i = 0; i < e->final.words_n; i++) {
		const struct session_word *w = &e->final.words[i];

		if (add(&t->words,
			(struct openai_piece){ .start_ms = w->start_ms, .end_ms = w->end_ms },
			w->text, w->text_bytes) != 0)
			return -1;
	}
	return 0;
}

int openai_transcript_correct(
    struct openai_transcript *t, const char *told, size_t told_n, const char *rest, size_t rest_n)
{
	char *all = NULL, *text;
	int n;

	if (t->texts.n == 0)
		return 0;
	n = asprintf(
	    &all, "%.*s%s%.*s", (int)told_n, told, rest_n > 0 ? " " : "", (int)rest_n, rest);
	text = n < 0 ? NULL : clean(all, (size_t)n);
	if (n >= 0)
		free(all);
	if (text == NULL)
		return -1;
	free(t->texts.at[t->texts.n - 1].text);
	t->texts.at[t->texts.n - 1].text = text;
	return 0;
}

static void free_pieces(struct openai_pieces *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->at[i].text);
	free(p->at);
}

void openai_transcript_done(struct openai_transcript *t)
{
	free_pieces(&t->texts);
	free_pieces(&t->segments);
	free_pieces(&t->words);
	*t = (struct openai_transcript){ 0 };
}

static void write_plain(FILE *to, const struct openai_transcript *t)
{
	for (size_t i = 0; i < t->texts.n; i++)
		(void)fprintf(to, "%s%s", i == 0 ? "" : " ", t->texts.at[i].text);
}

static void write_time(FILE *to, uint64_t ms, char point)
{
	(void)fprintf(to, "%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 "%c%03" PRIu64, ms / 3600000,
	    ms / 60000 % 60, ms / 1000 % 60, point, ms % 1000);
}

/* A cue's text may not hold "-->", nor in WebVTT the beginning of a tag or an entity. */
static void write_cue_text(FILE *to, const char *text, enum openai_format f)
{
	for (; *text != '\0'; text++) {
		if (f == OPENAI_VTT && *text == '&')
			(void)fputs("&amp;", to);
		else if (f == OPENAI_VTT && *text == '<')
			(void)fputs("&lt;", to);
		else if (strncmp(text, "-->", 3) == 0)
			(void)fputs("- ", to);
		else
			(void)fputc(*text, to);
	}
}

static void write_cues(FILE *to, const struct openai_transcript *t, enum openai_format f)
{
	char point = f == OPENAI_SRT ? ',' : '.';

	if (f == OPENAI_VTT)
		(void)fputs("WEBVTT\n\n", to);
	for (size_t i = 0; i < t->segments.n; i++) {
		const struct openai_piece *p = &t->segments.at[i];

		if (f == OPENAI_SRT)
			(void)fprintf(to, "%zu\n", i + 1);
		write_time(to, p->start_ms, point);
		(void)fputs(" --> ", to);
		write_time(to, p->end_ms, point);
		(void)fputc('\n', to);
		write_cue_text(to, p->text, f);
		(void)fputs("\n\n", to);
	}
}

static char *text_of(const struct openai_transcript *t, enum openai_format f)
{
	char *text = NULL;
	size_t n;
	FILE *to = open_memstream(&text, &n);
	bool bad;

	if (to == NULL)
		return NULL;
	if (f == OPENAI_SRT || f == OPENAI_VTT)
		write_cues(to, t, f);
	else
		write_plain(to, t);
	if (f == OPENAI_TEXT)
		(void)fputc('\n', to);
	bad = ferror(to) != 0;
	if (fclose(to) == 0 && !bad)
		return text;
	free(text);
	return NULL;
}

static json_t *seconds_of(uint64_t ms)
{
	return json_real((double)ms / 1000.0);
}

/* What is not known is as the type asks for it, and means nothing. A text begins with a blank where it has one before it, so
 * that who puts the segments together has the whole. */
static json_t *segments_of(const struct openai_pieces *p)
{
	json_t *all = json_array();

	for (size_t i = 0; i < p->n; i++)
		(void)json_array_append_new(all,
		    json_pack("{s:I,s:i,s:o,s:o,s:s+,s:[],s:f,s:f,s:f,s:f}", "id", (json_int_t)i,
			"seek", 0, "start", seconds_of(p->at[i].start_ms), "end",
			seconds_of(p->at[i].end_ms), "text", p->at[i].follows ? "" : " ",
			p->at[i].text, "tokens", "temperature", 0.0, "avg_logprob", 0.0,
			"compression_ratio", 1.0, "no_speech_prob", 0.0));
	return all;
}

/* Speakers are not told apart: all is said by one. */
static json_t *diarized_of(const struct openai_pieces *p, size_t i)
{
	char id[32];

	(void)snprintf(id, sizeof id, "seg_%zu", i);
	return json_pack("{s:s,s:s,s:o,s:o,s:s,s:s+}", "id", id, "type", "transcript.text.segment",
	    "start", seconds_of(p->at[i].start_ms), "end", seconds_of(p->at[i].end_ms), "speaker",
	    "A", "text", p->at[i].follows ? "" : " ", p->at[i].text);
}

static json_t *all_diarized_of(const struct openai_pieces *p)
{
	json_t *all = json_array();

	for (size_t i = 0; i < p->n; i++)
		(void)json_array_append_new(all, diarized_of(p, i));
	return all;
}

static json_t *words_of(const struct openai_pieces *p)
{
	json_t *all = json_array();

	for (size_t i = 0; i < p->n; i++)
		(void)json_array_append_new(all,
		    json_pack("{s:s,s:o,s:o}", "word", p->at[i].text, "start",
			seconds_of(p->at[i].start_ms), "end", seconds_of(p->at[i].end_ms)));
	return all;
}

static char *dump(json_t *object)
{
	char *text =
	    object == NULL ? NULL : json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(12));

	json_decref(object);
	return text;
}

static json_t *usage_of(const struct openai_transcript *t)
{
	return json_pack(
	    "{s:s,s:I}", "type", "duration", "seconds", (json_int_t)((t->audio_ms + 999) / 1000));
}

/* Which OpenAI's own answers have no word for. */
static void mark(json_t *o, const struct openai_transcript *t)
{
	if (t->incomplete)
		(void)json_object_set_new(o, "incomplete", json_true());
}

/* In OpenAI's words; a translation is English whatever was heard. */
static const char *name_of(
    const struct openai_transcript *t, const struct openai_style *style, const char *language)
{
	const char *name = language_english(style->translate ? "en" : t->language);

	return name != NULL ? name : t->language[0] != '\0' ? t->language : language;
}

static char *json_of(
    const struct openai_transcript *t, const struct openai_style *style, const char *language)
{
	char *text = text_of(t, OPENAI_JSON);
	json_t *o;

	if (text == NULL)
		return NULL;
	if (style->format == OPENAI_JSON)
		o = json_pack("{s:s,s:[{s:s}]}", "text", text, "languages", "code",
		    t->language[0] != '\0' ? t->language : language);
	else if (style->format == OPENAI_DIARIZED_JSON)
		o = json_pack("{s:s,s:o,s:s,s:o}", "task", "transcribe", "duration",
		    seconds_of(t->audio_ms), "text", text, "segments",
		    all_diarized_of(&t->segments));
	else
		o = json_pack("{s:s,s:s,s:o,s:s}", "task",
		    style->translate ? "translate" : "transcribe", "language",
		    name_of(t, style, language), "duration", seconds_of(t->audio_ms), "text", text);
	free(text);
	if (style->format == OPENAI_VERBOSE_JSON && style->segments)
		(void)json_object_set_new(o, "segments", segments_of(&t->segments));
	if (style->format == OPENAI_VERBOSE_JSON && style->words)
		(void)json_object_set_new(o, "words", words_of(&t->words));
	(void)json_object_set_new(o, "usage", usage_of(t));
	mark(o, t);
	return dump(o);
}

char *openai_transcript_text(
    const struct openai_transcript *t, const struct openai_style *style, const char *language)
{
	if (style->format == OPENAI_JSON || style->format == OPENAI_VERBOSE_JSON ||
	    style->format == OPENAI_DIARIZED_JSON)
		return json_of(t, style, language);
	return text_of(t, style->format);
}

static char *event(char *json)
{
	char *text = NULL;

	if (json != NULL && asprintf(&text, "data: %s\n\n", json) < 0)
		text = NULL;
	free(json);
	return text;
}

char *openai_delta_event(bool blank_before, const char *text, size_t n)
{
	char *plain = clean(text, n), *all = NULL;
	json_t *o;

	if (plain == NULL || asprintf(&all, "%s%s", blank_before ? " " : "", plain) < 0)
		all = NULL;
	free(plain);
	if (all == NULL)
		return NULL;
	o = json_pack("{s:s,s:s}", "type", "transcript.text.delta", "delta", all);
	free(all);
	return event(dump(o));
}

char *openai_segment_event(const struct openai_transcript *t, size_t i)
{
	return event(dump(diarized_of(&t->segments, i)));
}

char *openai_done_event(const struct openai_transcript *t)
{
	char *text = text_of(t, OPENAI_JSON);
	json_t *o = text == NULL ? NULL
				 : json_pack("{s:s,s:s,s:o}", "type", "transcript.text.done",
				       "text", text, "usage", usage_of(t));

	free(text);
	mark(o, t);
	return event(dump(o));
}

char *openai_error_event(const char *error)
{
	return event(strdup(error));
}

static const char *type_of(unsigned status)
{
	return status == 429 ? "rate_limit_error"
	    : status >= 500  ? "server_error"
			     : "invalid_request_error";
}

char *openai_error_text(unsigned status, const char *message, const char *param, const char *code)
{
	char *text = clean(message, strlen(message));
	json_t *o = text == NULL ? NULL
				 : json_pack("{s:{s:s,s:s,s:s?,s:s?}}", "error", "message", text,
				       "type", type_of(status), "param", param, "code", code);

	free(text);
	return dump(o);
}
