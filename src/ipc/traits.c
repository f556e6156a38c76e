/* One table says for each field which values it may have; both directions walk it, so that what one side may send is
 * what the other one takes. */
#include "ipc/traits_internal.h"

#include <string.h>

#include "base/util.h"
#include "ipc/wire_internal.h"

enum { FIELDS = 11 };

static const struct {
	const char *name;
	uint16_t min, max;
} fields[FIELDS] = {
	{ "how the engine decodes", 0, IPC_DECODINGS - 1 },
	{ "the kind of its partials", 0, IPC_PARTIALS - 1 },
	{ "whether it has eager finals", 0, IPC_EAGERS - 1 },
	{ "when the engine starts threads", 0, IPC_THREADS - 1 },
	{ "the number of its threads", 1, IPC_DECODE_THREADS_MAX },
	{ "what its results tell", 0, IPC_TELLS_ALL },
	{ "what it takes", 0, IPC_TAKES_ALL },
	{ "the isolation it bears", 1, IPC_BEARS_ALL },
	{ "whether it warms up", 0, 1 },
	{ "how long it is quiet", 1, UINT16_MAX },
	{ "how many rows it has", 0, UINT16_MAX },
};

static void list(uint16_t values[FIELDS], const struct ipc_traits *t)
{
	const uint16_t all[FIELDS] = { (uint16_t)t->decoding, (uint16_t)t->partials,
		(uint16_t)t->eager, (uint16_t)t->threads, t->decode_threads, t->tells, t->takes,
		t->isolation, t->warms_up, t->quiet_factor, t->rows };

	memcpy(values, all, sizeof all);
}

const char *traits_difference(const struct ipc_traits *a, const struct ipc_traits *b)
{
	uint16_t left[FIELDS], right[FIELDS];

	list(left, a);
	list(right, b);
	for (size_t i = 0; i < FIELDS; i++)
		if (left[i] != right[i])
			return fields[i].name;
	return NULL;
}

void traits_put(struct wire_writer *w, const struct ipc_traits *t)
{
	uint16_t values[FIELDS];

	list(values, t);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (values[i] < fields[i].min || values[i] > fields[i].max)
			wire_put_fail(w, fields[i].name, values[i], fields[i].max);
		wire_put_u16(w, values[i]);
	}
}

void traits_get(struct wire_reader *r, struct ipc_traits *t)
{
	uint16_t values[FIELDS];

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		values[i] = wire_get_u16(r);
		if (values[i] < fields[i].min || values[i] > fields[i].max)
			wire_get_fail(r, "%s is %u; %u to %u are known", fields[i].name, values[i],
			    fields[i].min, fields[i].max);
	}
	*t = (struct ipc_traits){ .decoding = (enum ipc_decoding)values[0],
		.partials = (enum ipc_partials)values[1],
		.eager = (enum ipc_eager)values[2],
		.threads = (enum ipc_threads)values[3],
		.decode_threads = values[4],
		.tells = values[5],
		.takes = values[6],
		.isolation = values[7],
		.warms_up = values[8],
		.quiet_factor = values[9],
		.rows = values[10] };
}
