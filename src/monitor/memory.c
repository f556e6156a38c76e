#include "monitor/memory.h"

#include <stdlib.h>

#include "base/util.h"
#include "monitor/monitor.h"
#include "pool/crew.h"
#include "pool/pool.h"

struct row {
	int pid;
	unsigned private_kb;
};

struct memory {
	struct row *rows; /* owned */
	unsigned n, cap;
};

static void count_one(void *arg, const struct instance_view *v)
{
	struct memory *mem = arg;

	mem->cap += v->pid != 0;
}

static void add_one(void *arg, const struct instance_view *v)
{
	struct memory *mem = arg;

	if (v->pid != 0)
		mem->rows[mem->n++].pid = v->pid;
}

struct memory *memory_new(const struct monitor *m)
{
	struct memory *mem = xcalloc(1, sizeof *mem);

	for (unsigned i = 0; i < m->crews_n; i++)
		pool_each_instance(crew_pool(m->crews[i]), count_one, mem);
	mem->rows = xcalloc(mem->cap + 1u, sizeof *mem->rows);
	for (unsigned i = 0; i < m->crews_n; i++)
		pool_each_instance(crew_pool(m->crews[i]), add_one, mem);
	return mem;
}

void memory_free(struct memory **mem)
{
	if (*mem == NULL)
		return;
	free((*mem)->rows);
	free(*mem);
	*mem = NULL;
}

void memory_read(struct memory *mem)
{
	for (unsigned i = 0; i < mem->n; i++)
		mem->rows[i].private_kb = crew_private_kb(mem->rows[i].pid);
}

unsigned memory_private_kb(const struct memory *mem, int pid)
{
	for (unsigned i = 0; i < mem->n; i++)
		if (mem->rows[i].pid == pid)
			return mem->rows[i].private_kb;
	return 0;
}
