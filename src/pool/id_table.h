/* id_table: finds members by a number of theirs. Members embed a node and stay where they are. Server process; pure. */
#ifndef POOL_ID_TABLE_H
#define POOL_ID_TABLE_H

#include <stdint.h>

struct id_node {
	struct id_node *next;
	uint64_t id;
	void *of; /* the member */
};

struct id_table {               /* plain data; zeroed is empty */
	struct id_node **slots; /* owned array; those of one slot in a list */
	unsigned cap, n;
};

void *id_table_find(const struct id_table *t, uint64_t id);     /* a member; NULL: there is none */
void id_table_add(struct id_table *t, struct id_node *node);    /* whose id is not in it */
void id_table_remove(struct id_table *t, struct id_node *node); /* which is in it */
void id_table_done(struct id_table *t);                         /* which is empty */

#endif
