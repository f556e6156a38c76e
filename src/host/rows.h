/* rows: which rows of a program that is many instances are taken, and by whom. A row is FREE, OPEN for one instance, or CLOSING: its
 * instance is over, and the program has not said yet that it has forgotten it. Rows are numbered from 1. Pure. */
#ifndef HOST_ROWS_H
#define HOST_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/message.h"

struct rows;

/* What is to be done with a message of the program. */
enum rows_verdict {
	ROWS_PASS,  /* it goes to the instance in the row */
	ROWS_DROP,  /* it is late */
	ROWS_OVER,  /* the row is free now: rows_instance says whose it was */
	ROWS_WRONG, /* no program says that, or nobody has that row */
};

struct rows *rows_new(unsigned n); /* 1..UINT16_MAX */
void rows_free(struct rows **rows);

/* A free row for that instance, which begins with a RESET: its number; 0: none is free. */
unsigned rows_take(struct rows *r, uint64_t instance);
/* What the server said to a row that is OPEN is on its way to the program. */
void rows_told(struct rows *r, unsigned row, const struct ipc_message *m);
/* The instance is over; ABORT of the epoch that is returned and RESET are to be sent, then rows_said_goodbye. */
void rows_close(struct rows *r, unsigned row);
uint64_t rows_epoch(const struct rows *r, unsigned row); /* 0: it heard nothing */
void rows_said_goodbye(struct rows *r, unsigned row);

/* For any row number. */
enum rows_verdict rows_hear(struct rows *r, unsigned row, enum ipc_type type);

bool rows_is_open(const struct rows *r, unsigned row);
bool rows_owes_goodbye(
    const struct rows *r, unsigned row); /* it is CLOSING and that was not sent yet */
bool rows_is_closing(const struct rows *r, unsigned row);
uint64_t rows_instance(const struct rows *r, unsigned row); /* who has it, or had it last */

#endif
