/* models_progress: how far a model has come, on stderr: a bar on a terminal, else a line a second. Command line. */
#ifndef CLI_MODELS_PROGRESS_H
#define CLI_MODELS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* Plain data; zero but for is_quiet at first. */
struct models_progress {
	bool is_quiet; /* nothing is said but errors */
	bool is_drawn; /* a bar stands on the line */
	uint64_t begun_ns, shown_ns, begun_at;
};

/* Have the forms of pull_config's callbacks; arg is a struct models_progress. */
void models_progress_show(void *arg, uint64_t done, uint64_t total);
void models_progress_say(void *arg, const char *line);
/* The bar, if there is one, is done with. */
void models_progress_end(struct models_progress *p);

#endif
