/* tree: a model that is a directory: its files, what they have together, and their sum.
 *
 * The sum of a tree is the SHA-256 of one line for each regular file in it, sorted by the bytes of their paths: the file's SHA-256 in
 * small hexadecimal digits, two spaces, its path from the tree's top, a line feed. So it is what this prints there:
 *   find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
 * A tree has files and directories only: what else is found in it is refused. Any process; blocks on the disk. */
#ifndef MODELS_TREE_H
#define MODELS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/sum.h"

struct error;

enum {
	TREE_FILES_MAX = 4096,
	TREE_DEPTH_MAX = 8,
	TREE_PATH_BYTES = 4096,
	TREE_NAME_BYTES = 256, /* of a file's path from the top, with its NUL */
};

struct tree_file {
	char name[TREE_NAME_BYTES]; /* its path from the top: "am/final.mdl" */
	uint64_t bytes;
};

struct tree {
	struct tree_file *files; /* owned; sorted by the bytes of their names */
	size_t n;
	uint64_t bytes; /* of all of them */
};

/* -1: ERROR_CONFIG, a sentence with the path: it cannot be read, or is no tree. */
int tree_read(struct tree *out, const char *dir, struct error *err);
void tree_done(struct tree *t);

/* As the functions of the same names of a file (sum.h). */
int tree_sum(const char *dir, char hex[SUM_HEX_BYTES], struct error *err);
int tree_check_sum(const char *dir, const char *hex, struct error *err);
/* Of all its files; 0: it cannot be read, or there are none. */
uint64_t tree_bytes(const char *dir);

/* Whether a path from the top is one that a tree may have: no part of it empty, "." or "..", no byte below a space, no backslash,
 * none too long or too deep. Pure. */
bool tree_name_is_fit(const char *name);
/* Makes the directories above `dir`/`name`. */
int tree_make_way(const char *dir, const char *name, struct error *err);
/* All of it is on the disk, and readable for all. */
int tree_settle(const char *dir, struct error *err);
/* Takes it away, whatever is in it; where there is none, nothing. */
void tree_remove(const char *dir);

#endif
