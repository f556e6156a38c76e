/* pull: gets a model into the store: from its sources in order, or from a mirror. What has not the catalogue's sum never gets its
 * name. Command line; blocks, and tells how it goes. */
#ifndef PULL_PULL_H
#define PULL_PULL_H

#include <stdint.h>

#include "models/catalogue.h"
#include "models/store.h"

struct error;

enum pull_outcome { PULL_FAILED = -1, PULL_FETCHED, PULL_WAS_THERE };

struct pull_config {
	const char *
	    from; /* a directory, or a URL that the file's name is put behind; NULL: the catalogue's sources */
	enum model_source_kind only; /* MODEL_SOURCE_NONE: all of them */
	unsigned connect_timeout_ms;
	unsigned stall_timeout_s;
	unsigned pip_timeout_s;
	/* A line for people: where it is looked for, and why a source did not do. */
	void (*say)(void *arg, const char *line);
	void (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
};

/* path: where it is. PULL_FAILED: each source's reason was said, and *err sums up. */
enum pull_outcome pull_model(const struct model *m, const struct pull_config *cfg,
    char path[STORE_PATH_BYTES], struct error *err);

#endif
