#define _GNU_SOURCE
#include "pull/import.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "models/catalogue.h"
#include "models/ggml_file.h"
#include "models/sum.h"
#include "pull/pull_copy.h"
#include "pull/sink.h"

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int add_to_sum(void *sum, const void *bytes, size_t n, struct error *err)
{
	(void)err;
	sum_add(sum, bytes, n);
	return 0;
}

/* Of what it becomes. */
static int sum_of_directory(const char *dir, char hex[SUM_HEX_BYTES], struct error *err)
{
	struct sum *s = sum_new();
	int rc = pull_convert(dir, add_to_sum, s, err);

	if (rc == 0)
		sum_finish(&s, hex);
	sum_free(&s);
	return rc;
}

static int refuse_unknown(const char *path, const char *sum, struct error *err)
{
	struct ggml_file_info info;

	if (is_directory(path))
		return error_set(err, ERROR_CONFIG,
		    "%.90s becomes none of the catalogue's models: the SHA-256 would be %.16s...",
		    path, sum);
	if (ggml_file_check(path, &info, err) < 0)
		return -1;
	return error_set(err, ERROR_CONFIG,
	    "%.80s is a whole model of Whisper, but none of the catalogue's (SHA-256 %.16s...); a "
	    "pool "
	    "takes it by its path",
	    path, sum);
}

const struct model *import_recognise(const char *path, struct error *err)
{
	char sum[SUM_HEX_BYTES];
	const struct model *m;

	if (is_directory(path) ? sum_of_directory(path, sum, err) < 0
			       : sum_of_file(path, sum, err) < 0)
		return NULL;
	m = models_find_sum(sum);
	if (m == NULL)
		(void)refuse_unknown(path, sum, err);
	return m;
}

static int fill(const char *path, struct sink *sink, struct error *err)
{
	if (!is_directory(path))
		return pull_copy(path, sink, err);
	if (sink_restart(sink, err) < 0 || pull_convert(path, sink_write, sink, err) < 0)
		return -1;
	return sink_finish(sink, err);
}

static int take(const struct model *m, const char *path, struct store_place *p, struct error *err)
{
	const struct sink_config cfg = { p->part, m->sha256, m->bytes, NULL, NULL };
	struct sink *sink;
	int rc;

	if (sink_open(&sink, &cfg, err) < 0)
		return -1;
	rc = fill(path, sink, err);
	sink_free(&sink);
	if (rc < 0)
		(void)unlink(p->part);
	return rc == 0 ? store_keep(p, err) : -1;
}

static void wait_quietly(void *arg)
{
	(void)arg;
}

int import_take(
    const struct model *m, const char *path, char path_out[STORE_PATH_BYTES], struct error *err)
{
	struct store_place p;
	int rc;

	if (store_open(&p, m, wait_quietly, NULL, err) < 0)
		return -1;
	rc = take(m, path, &p, err);
	if (rc == 0)
		(void)snprintf(path_out, STORE_PATH_BYTES, "%s", p.path);
	store_close(&p);
	return rc;
}
