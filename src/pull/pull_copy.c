#include "pull/pull_copy.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "base/util.h"
#include "models/mapped.h"
#include "models/quantise.h"
#include "models/store.h"
#include "pull/sink.h"

enum { STEP_BYTES = 1 << 20 };

static int copy(const struct mapped *m, struct sink *sink, struct error *err)
{
	for (size_t at = 0; at < m->n; at += STEP_BYTES)
		if (sink_write(sink, m->data + at, MIN(STEP_BYTES, m->n - at), err) < 0)
			return -1;
	return 0;
}

static int make(const char *path, struct sink *sink, bool is_quantised, struct error *err)
{
	struct mapped m;
	int rc;

	if (sink_restart(sink, err) < 0 || mapped_open(&m, path, err) < 0)
		return -1;
	if (is_quantised)
		rc = quantise_q8_0(path, m.data, m.n, sink_write, sink, err);
	else
		rc = copy(&m, sink, err);
	mapped_done(&m);
	return rc == 0 ? sink_finish(sink, err) : -1;
}

int pull_copy(const char *path, struct sink *sink, struct error *err)
{
	return make(path, sink, false, err);
}

int pull_quantised(const char *path, struct sink *sink, struct error *err)
{
	return make(path, sink, true, err);
}

static int map_in(struct mapped *m, const char *dir, const char *name, struct error *err)
{
	char path[STORE_PATH_BYTES];

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	return mapped_open(m, path, err);
}

int pull_convert(const char *dir, convert_write_f *write, void *arg, struct error *err)
{
	struct mapped model, vocabulary;
	int rc;

	if (map_in(&model, dir, "model.bin", err) < 0)
		return -1;
	rc = map_in(&vocabulary, dir, "vocabulary.txt", err);
	if (rc == 0) {
		const struct convert_input in = { model.data, model.n, vocabulary.data,
			vocabulary.n };

		rc = convert_ct2(&in, write, arg, err);
		mapped_done(&vocabulary);
	}
	mapped_done(&model);
	return rc == 0 ? 0 : error_prefix(err, "%.100s", dir);
}
