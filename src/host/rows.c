#include "host/rows.h"

#include <assert.h>
#include <stdlib.h>

#include "base/util.h"

enum row_state { ROW_FREE, ROW_OPEN, ROW_CLOSING };

struct row {
	enum row_state state;
	uint64_t instance;
	uint64_t epoch;  /* of the last BEGIN */
	unsigned resets; /* that READY has not answered */
	bool goodbye;    /* CLOSING: ABORT and RESET are sent */
};

struct rows {
	unsigned n;
	struct row rows[]; /* that of number 1 first */
};

static struct row *at(struct rows *r, unsigned row)
{
	assert(row >= 1 && row <= r->n);
	return &r->rows[row - 1];
}

static const struct row *seen(const struct rows *r, unsigned row)
{
	assert(row >= 1 && row <= r->n);
	return &r->rows[row - 1];
}

struct rows *rows_new(unsigned n)
{
	struct rows *r = xcalloc(1, sizeof *r + n * sizeof *r->rows);

	r->n = n;
	return r;
}

void rows_free(struct rows **rows)
{
	free(*rows);
	*rows = NULL;
}

unsigned rows_take(struct rows *r, uint64_t instance)
{
	for (unsigned row = 1; row <= r->n; row++) {
		if (at(r, row)->state != ROW_FREE)
			continue;
		*at(r, row) = (struct row){ .state = ROW_OPEN, .instance = instance, .resets = 1 };
		return row;
	}
	return 0;
}

void rows_told(struct rows *r, unsigned row, const struct ipc_message *m)
{
	assert(at(r, row)->state == ROW_OPEN);
	if (m->type == IPC_BEGIN)
		at(r, row)->epoch = m->epoch;
	if (m->type == IPC_RESET)
		at(r, row)->resets++;
}

void rows_close(struct rows *r, unsigned row)
{
	assert(at(r, row)->state == ROW_OPEN);
	at(r, row)->state = ROW_CLOSING;
}

uint64_t rows_epoch(const struct rows *r, unsigned row)
{
	return seen(r, row)->epoch;
}

void rows_said_goodbye(struct rows *r, unsigned row)
{
	assert(rows_owes_goodbye(r, row));
	at(r, row)->goodbye = true;
	at(r, row)->resets++;
}

static bool may_answer(enum ipc_type type)
{
	return (type >= IPC_READY && type <= IPC_FAILED) || type == IPC_CANCELLED ||
	    type == IPC_EAGER_FINAL;
}

/* One READY too many is the server's to judge while the row is open. */
enum rows_verdict rows_hear(struct rows *r, unsigned row, enum ipc_type type)
{
	struct row *it;

	if (row < 1 || row > r->n || !may_answer(type))
		return ROWS_WRONG;
	it = at(r, row);
	if (it->state == ROW_FREE)
		return ROWS_WRONG;
	if (type == IPC_READY && it->resets > 0)
		it->resets--;
	if (it->state == ROW_OPEN)
		return ROWS_PASS;
	if (!it->goodbye || it->resets > 0 || type != IPC_READY)
		return ROWS_DROP;
	it->state = ROW_FREE;
	return ROWS_OVER;
}

bool rows_is_open(const struct rows *r, unsigned row)
{
	return seen(r, row)->state == ROW_OPEN;
}

bool rows_owes_goodbye(const struct rows *r, unsigned row)
{
	return seen(r, row)->state == ROW_CLOSING && !seen(r, row)->goodbye;
}

bool rows_is_closing(const struct rows *r, unsigned row)
{
	return seen(r, row)->state == ROW_CLOSING;
}

uint64_t rows_instance(const struct rows *r, unsigned row)
{
	return seen(r, row)->instance;
}
