#include "access/stt_pair.h"

#include <stddef.h>
#include <string.h>

void stt_end_set_address(struct stt_end *e, const char *peer)
{
	const char *colon = strrchr(peer, ':');
	size_t n = colon == NULL ? strlen(peer) : (size_t)(colon - peer);

	if (n >= sizeof e->address)
		n = sizeof e->address - 1;
	memcpy(e->address, peer, n);
	e->address[n] = '\0';
}

static bool is_near(const struct stt_end *a, const struct stt_end *b)
{
	return a->tenant == b->tenant && strcmp(a->address, b->address) == 0;
}

static bool fits(const struct stt_end *a, const struct stt_end *b)
{
	return a->side != b->side && is_near(a, b);
}

/* The oldest that waits for one like this. */
static void find_partner(struct stt_pairs *p, struct stt_end *e)
{
	struct stt_end *o = p->first;

	while (o != NULL && (o->other != NULL || o == e || !fits(o, e)))
		o = o->next;
	if (o == NULL)
		return;
	o->other = e;
	e->other = o;
}

void stt_pairs_add(struct stt_pairs *p, struct stt_end *e)
{
	e->other = e->next = NULL;
	e->prev = p->last;
	if (p->last != NULL)
		p->last->next = e;
	else
		p->first = e;
	p->last = e;
	find_partner(p, e);
}

static void take_out(struct stt_pairs *p, struct stt_end *e)
{
	if (e->prev != NULL)
		e->prev->next = e->next;
	else
		p->first = e->next;
	if (e->next != NULL)
		e->next->prev = e->prev;
	else
		p->last = e->prev;
	e->prev = e->next = NULL;
}

struct stt_end *stt_pairs_remove(struct stt_pairs *p, struct stt_end *e)
{
	struct stt_end *other = e->other;

	if (e->prev == NULL && p->first != e)
		return NULL;
	take_out(p, e);
	e->other = NULL;
	if (other == NULL)
		return NULL;
	other->other = NULL;
	find_partner(p, other);
	return other;
}

bool stt_pairs_is_certain(const struct stt_pairs *p, const struct stt_end *e)
{
	for (const struct stt_end *o = p->first; o != NULL; o = o->next)
		if (o != e && o != e->other && is_near(o, e))
			return false;
	return true;
}
