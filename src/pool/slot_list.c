/* A doubly linked list, for slots.c. */
#include "pool/slot_list.h"

#include <assert.h>
#include <stddef.h>

void slot_list_append(struct slot_list *list, struct slot_link *l)
{
	assert(!l->in);
	l->in = true;
	l->next = NULL;
	l->prev = list->last;
	if (list->last != NULL)
		list->last->next = l;
	else
		list->first = l;
	list->last = l;
}

void slot_list_remove(struct slot_list *list, struct slot_link *l)
{
	if (!l->in)
		return;
	if (l->prev != NULL)
		l->prev->next = l->next;
	else
		list->first = l->next;
	if (l->next != NULL)
		l->next->prev = l->prev;
	else
		list->last = l->prev;
	l->prev = l->next = NULL;
	l->in = false;
}
