/* A line of those who have something to tell. One that tells is out of it, so it may be freed; one that tells all at once (turn_flush)
 * is watched from the stack, so that its end is noticed. */
#include "base/turn.h"

#include <assert.h>
#include <stddef.h>

struct turn_flush {
	struct turn_flush *outer;
	struct teller *of; /* NULL: gone */
};

void turn_add(struct turn *turn, struct teller *t)
{
	assert(t->tell != NULL && (t->turn == NULL || t->turn == turn));
	if (t->turn != NULL)
		return;
	t->turn = turn;
	t->next = NULL;
	t->prev = turn->last;
	if (turn->last != NULL)
		turn->last->next = t;
	else
		turn->first = t;
	turn->last = t;
}

static void take(struct turn *turn, struct teller *t)
{
	if (t->turn == NULL)
		return;
	assert(t->turn == turn);
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		turn->first = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	else
		turn->last = t->prev;
	t->prev = t->next = NULL;
	t->turn = NULL;
}

void turn_remove(struct turn *turn, struct teller *t)
{
	take(turn, t);
	for (struct turn_flush *f = turn->flushes; f != NULL; f = f->outer)
		if (f->of == t)
			f->of = NULL;
}

void turn_run(struct turn *turn)
{
	struct teller *t;

	if (turn->running)
		return;
	turn->running = true;
	while ((t = turn->first) != NULL) {
		take(turn, t);
		t->tell(t);
	}
	turn->running = false;
}

void turn_flush(struct turn *turn, struct teller *t)
{
	struct turn_flush f = { .outer = turn->flushes, .of = t };

	turn->flushes = &f;
	while (f.of != NULL && t->turn != NULL) {
		take(turn, t);
		t->tell(t);
	}
	turn->flushes = f.outer;
}
