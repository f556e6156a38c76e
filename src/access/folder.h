/* folder: the files of a directory, read into memory, for a listener that serves a page of its operator's. What is asked for by its path
 * is looked up among what was read: there is no way from a request to the disk, nor out of the directory. Links are not followed, and names
 * that begin with a dot are left out. Any process; reading waits for the disk, so it is for the start and for a reload. */
#ifndef ACCESS_FOLDER_H
#define ACCESS_FOLDER_H

#include <stddef.h>

struct error;
struct folder;

enum { FOLDER_ETAG_BYTES = 20 };

struct folder_file {
	char *path;                   /* "/app/main.js", percent-encoded as browsers do */
	char etag[FOLDER_ETAG_BYTES]; /* with its quotes */
	char *bytes;
	size_t n;
};

/* -1 and a sentence: it cannot be read, has more than max_bytes or FOLDER_FILES_MAX files, or no index.html. NULL or "": *out is NULL. */
int folder_load(struct folder **out, const char *directory, size_t max_bytes, struct error *err);
void folder_free(struct folder **f); /* NULL is fine */
unsigned folder_count(const struct folder *f);
/* "/" is index.html; NULL: there is no such file. Lent. */
const struct folder_file *folder_find(const struct folder *f, const char *path);
/* By the ending of its name. */
const char *folder_type(const char *path);

#endif
