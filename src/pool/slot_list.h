/* slot_list: who stands behind whom. Members embed a link for each list that they may be in. Server process; pure. */
#ifndef POOL_SLOT_LIST_H
#define POOL_SLOT_LIST_H

#include <stdbool.h>

struct slot_link { /* zeroed but for `of`: in no list */
	struct slot_link *prev, *next;
	void *of; /* the member */
	bool in;
};

struct slot_list { /* plain data; zeroed is empty */
	struct slot_link *first, *last;
};

void slot_list_append(struct slot_list *list, struct slot_link *l); /* which is in none */
void slot_list_remove(struct slot_list *list, struct slot_link *l); /* no effect if it is in none */

#endif
