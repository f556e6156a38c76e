#include "access/wyoming_transcript.h"

#include <stdio.h>
#include <string.h>

#include "access/json_text.h"
#include "session/session.h"

void wyoming_transcript_init(struct wyoming_transcript *t, wyoming_send_f *send, void *arg)
{
	*t = (struct wyoming_transcript){ .send = send, .arg = arg };
	buffer_init(&t->text, WYOMING_TRANSCRIPT_BYTES);
}

void wyoming_transcript_done(struct wyoming_transcript *t)
{
	delta_reset(&t->delta);
	buffer_done(&t->text);
}

void wyoming_transcript_begin(struct wyoming_transcript *t, const char *language)
{
	delta_reset(&t->delta);
	buffer_consume(&t->text, t->text.len);
	t->started = t->said = t->incomplete = t->heard = false;
	(void)snprintf(t->language, sizeof t->language, "%s", language);
}

static json_t *with_language(const struct wyoming_transcript *t, json_t *data)
{
	if (data != NULL)
		(void)json_object_set_new(data, "language", json_string(t->language));
	return data;
}

static void note_language(struct wyoming_transcript *t, const char *heard)
{
	if (t->heard || heard[0] == '\0')
		return;
	t->heard = true;
	(void)snprintf(t->language, sizeof t->language, "%s", heard);
}

static void start(struct wyoming_transcript *t)
{
	if (t->started)
		return;
	t->started = true;
	t->send(t->arg, "transcript-start", with_language(t, json_object()));
}

static json_t *chunk_of(const char *piece, size_t n, bool with_blank)
{
	json_t *text = json_text_of(piece, n), *all;

	if (text == NULL)
		return NULL;
	all = json_sprintf("%s%s", with_blank ? " " : "", json_string_value(text));
	json_decref(text);
	return json_pack("{s:o}", "text", all);
}

static void send_chunk(struct wyoming_transcript *t, const char *piece, size_t n, bool with_blank)
{
	if (n == 0)
		return;
	start(t);
	t->send(t->arg, "transcript-chunk", chunk_of(piece, n, with_blank));
	t->said = true;
}

void wyoming_transcript_partial(struct wyoming_transcript *t, const struct session_event *e)
{
	bool first = t->delta.n == 0;
	size_t n;
	const char *piece =
	    delta_of_partial(&t->delta, e->partial.text, e->partial.settled_bytes, &n);

	note_language(t, e->partial.language);
	send_chunk(t, piece, n, first && t->said);
	delta_note_time(&t->delta, e);
}

static void finish_chunks(struct wyoming_transcript *t, const struct session_event *e)
{
	bool goes_on = delta_goes_on(&t->delta, e->final.text, e->final.text_bytes);
	bool with_blank = !goes_on || (t->delta.n == 0 && t->said);
	size_t n;
	const char *piece = goes_on
	    ? delta_of_final(&t->delta, e->final.text, e->final.text_bytes, &n)
	    : delta_behind(&t->delta, e, &n);

	send_chunk(t, piece, n, with_blank);
	delta_reset(&t->delta);
}

int wyoming_transcript_final(struct wyoming_transcript *t, const struct session_event *e)
{
	size_t n = e->final.text_bytes;

	note_language(t, e->final.language);
	finish_chunks(t, e);
	if (n > 0 && t->text.len > 0 && buffer_append(&t->text, " ", 1) < 0)
		return -1;
	return n > 0 ? buffer_append(&t->text, e->final.text, n) : 0;
}

void wyoming_transcript_lose(struct wyoming_transcript *t)
{
	delta_reset(&t->delta);
}

void wyoming_transcript_end(struct wyoming_transcript *t)
{
	const char *text = t->text.len == 0 ? "" : (const char *)buffer_head(&t->text);

	json_t *data =
	    with_language(t, json_pack("{s:o}", "text", json_text_of(text, t->text.len)));

	start(t);
	if (t->incomplete)
		(void)json_object_set_new(data, "incomplete", json_true());
	if (t->unheeded.code != ERROR_NONE)
		(void)json_object_set_new(
		    data, "warning", json_text_of(t->unheeded.text, strlen(t->unheeded.text)));
	t->send(t->arg, "transcript", data);
	t->send(t->arg, "transcript-stop", NULL);
}
