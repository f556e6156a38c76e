/* Events lend what they point to for the call, and are told later than they are made: what they lend is copied. */
#include "session/told.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "session/session_internal.h"

/* Where the next bytes go. */
struct packer {
	char *at;
};

static const char *pack(struct packer *p, const void *bytes, size_t n)
{
	char *to = p->at;

	if (n > 0)
		memcpy(to, bytes, n);
	p->at += n;
	return to;
}

static size_t words_bytes(const struct session_word *words, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += words[i].text_bytes;
	return bytes;
}

static int make_room(struct told *t, size_t words_n, size_t bytes)
{
	t->words = calloc(words_n + 1, sizeof *t->words);
	t->bytes = malloc(bytes + 1);
	return t->words == NULL || t->bytes == NULL ? -1 : 0;
}

static const struct session_word *pack_words(
    struct told *t, struct packer *p, const struct session_word *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		t->words[i] = words[i];
		t->words[i].text = pack(p, words[i].text, words[i].text_bytes);
	}
	return t->words;
}

static int keep_partial(struct told *t, const struct session_event *e)
{
	size_t n = e->partial.words_n;
	struct packer p;

	if (make_room(t, n, e->partial.text_bytes + words_bytes(e->partial.words, n)) < 0)
		return -1;
	p.at = t->bytes;
	t->e.partial.text = pack(&p, e->partial.text, e->partial.text_bytes);
	t->e.partial.words = pack_words(t, &p, e->partial.words, n);
	return 0;
}

static int keep_final(struct told *t, const struct session_event *e)
{
	size_t n = e->final.words_n;
	size_t bytes = words_bytes(e->final.words, n) + e->final.text_bytes;
	struct packer p;

	if (make_room(t, n, bytes + e->final.adaptation_bytes) < 0)
		return -1;
	p.at = t->bytes;
	t->e.final.text = pack(&p, e->final.text, e->final.text_bytes);
	t->e.final.words = pack_words(t, &p, e->final.words, n);
	t->e.final.adaptation =
	    (const void *)pack(&p, e->final.adaptation, e->final.adaptation_bytes);
	if (e->final.incomplete != NULL) {
		t->error = *e->final.incomplete;
		t->e.final.incomplete = &t->error;
	}
	return 0;
}

static int keep(struct told *t, const struct session_event *e)
{
	if (e->kind == SESSION_EVENT_PARTIAL)
		return keep_partial(t, e);
	if (e->kind == SESSION_EVENT_FINAL || e->kind == SESSION_EVENT_EAGER_FINAL)
		return keep_final(t, e);
	if (e->kind == SESSION_EVENT_ERROR) {
		t->error = *e->error.why;
		t->e.error.why = &t->error;
	}
	return 0;
}

struct told *told_new(const struct session_event *e)
{
	struct told *t = xcalloc(1, sizeof *t);

	t->e = *e;
	if (keep(t, e) < 0)
		told_free(&t);
	return t;
}

void told_free(struct told **told)
{
	struct told *t = *told;

	*told = NULL;
	if (t == NULL)
		return;
	free(t->words);
	free(t->bytes);
	free(t);
}

void told_push(struct session *s, struct told *t)
{
	if (s->told_last != NULL)
		s->told_last->next = t;
	else
		s->told_first = t;
	s->told_last = t;
	turn_add(pool_turn(s->seats[0].pool), &s->teller);
}

static struct told *take_first(struct session *s)
{
	struct told *t = s->told_first;

	s->told_first = t->next;
	if (s->told_first == NULL)
		s->told_last = NULL;
	return t;
}

void told_tell(struct teller *teller)
{
	struct session *s = (struct session *)((char *)teller - offsetof(struct session, teller));
	struct told *t = take_first(s);

	if (s->told_first != NULL)
		turn_add(pool_turn(s->seats[0].pool), &s->teller);
	if (t->drain)
		s->events->on_drain(s->arg);
	else
		s->events->on_event(s->arg, &t->e);
	told_free(&t);
}

void told_drop_all(struct session *s)
{
	struct told *t;

	turn_remove(pool_turn(s->seats[0].pool), &s->teller);
	while (s->told_first != NULL) {
		t = take_first(s);
		told_free(&t);
	}
}
