#define _GNU_SOURCE
#include "access/folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/util.h"

enum { FILES_MAX = 1000, DEPTH_MAX = 8, PATH_BYTES = 1024 };

struct folder {
	struct folder_file files[FILES_MAX];
	unsigned n;
	size_t bytes, max_bytes;
};

static const struct {
	const char *ending, *type;
} types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".htm", "text/html; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".mjs", "text/javascript; charset=utf-8" },
	{ ".json", "application/json" },
	{ ".map", "application/json" },
	{ ".txt", "text/plain; charset=utf-8" },
	{ ".md", "text/plain; charset=utf-8" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
	{ ".jpg", "image/jpeg" },
	{ ".jpeg", "image/jpeg" },
	{ ".gif", "image/gif" },
	{ ".webp", "image/webp" },
	{ ".ico", "image/x-icon" },
	{ ".woff", "font/woff" },
	{ ".woff2", "font/woff2" },
	{ ".ttf", "font/ttf" },
	{ ".wasm", "application/wasm" },
	{ ".wav", "audio/wav" },
	{ ".mp3", "audio/mpeg" },
	{ ".ogg", "audio/ogg" },
	{ ".webmanifest", "application/manifest+json" },
};

const char *folder_type(const char *path)
{
	const char *ending = strrchr(path, '.');

	for (size_t i = 0; ending != NULL && i < ARRAY_SIZE(types); i++)
		if (strcasecmp(types[i].ending, ending) == 0)
			return types[i].type;
	return "application/octet-stream";
}

static void put_etag(struct folder_file *file)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < file->n; i++)
		hash = (hash ^ (unsigned char)file->bytes[i]) * 0x100000001b3ull;
	(void)snprintf(file->etag, sizeof file->etag, "\"%016llx\"", (unsigned long long)hash);
}

/* As browsers write it in a request. */
static int put_name(char *path, size_t at, const char *name)
{
	static const char kept[] = "-._~!$&'()*+,;=:@";

	path[at++] = '/';
	for (const char *c = name; *c != '\0'; c++) {
		bool plain = isalnum((unsigned char)*c) || strchr(kept, *c) != NULL;

		if (at + 4 > PATH_BYTES)
			return -1;
		at += (size_t)snprintf(
		    path + at, PATH_BYTES - at, plain ? "%c" : "%%%02X", (unsigned char)*c);
	}
	return (int)at;
}

static int read_bytes(int fd, char *to, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t got = read(fd, to + at, n - at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1; /* it has become shorter meanwhile */
		at += (size_t)got;
	}
	return 0;
}

static int check_room(const struct folder *f, size_t n, struct error *err)
{
	if (f->n == FILES_MAX)
		return error_set(err, ERROR_CONFIG, "it has more than %d files", FILES_MAX);
	if (n > f->max_bytes - f->bytes)
		return error_set(err, ERROR_CONFIG,
		    "its files have more than realtimestt_page_max_bytes %zu", f->max_bytes);
	return 0;
}

static int add_file(struct folder *f, int fd, const char *path, size_t n, struct error *err)
{
	struct folder_file *file = &f->files[f->n];

	if (check_room(f, n, err) < 0)
		return -1;
	*file = (struct folder_file){ .path = xstrdup(path), .bytes = xcalloc(n + 1, 1), .n = n };
	f->n++;
	f->bytes += n;
	if (read_bytes(fd, file->bytes, n) < 0)
		return error_set(err, ERROR_SYSTEM, "%s cannot be read: %s", path, strerror(errno));
	put_etag(file);
	return 0;
}

static int add_directory(
    struct folder *f, int fd, char *path, size_t at, int depth, struct error *err);

static int add_opened(struct folder *f, int fd, char *path, size_t at, int depth, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set(err, ERROR_SYSTEM, "%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return add_directory(f, fd, path, at, depth + 1, err);
	if (S_ISREG(st.st_mode))
		return add_file(f, fd, path, (size_t)st.st_size, err);
	log_warn(
	    "server: realtimestt_page: %s is neither file nor directory, and is left out", path);
	return 0;
}

static int add(struct folder *f, int directory, const char *name, char *path, size_t at, int depth,
    struct error *err)
{
	int end = put_name(path, at, name), fd, rc;

	if (end < 0)
		return error_set(err, ERROR_CONFIG, "the path of a file in it is too long");
	fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ELOOP) {
		log_warn("server: realtimestt_page: %s is a link, and is left out", path);
		return 0;
	}
	if (fd < 0)
		return error_set(
		    err, ERROR_SYSTEM, "%s cannot be opened: %s", path, strerror(errno));
	rc = add_opened(f, fd, path, (size_t)end, depth, err);
	(void)close(fd);
	return rc;
}

/* Borrows fd. */
static int add_directory(
    struct folder *f, int fd, char *path, size_t at, int depth, struct error *err)
{
	DIR *all = depth > DEPTH_MAX ? NULL : fdopendir(dup(fd));
	const struct dirent *entry;
	int rc = 0;

	if (depth > DEPTH_MAX)
		return error_set(err, ERROR_CONFIG, "it is deeper than %d directories", DEPTH_MAX);
	if (all == NULL)
		return error_set(err, ERROR_SYSTEM, "%.*s: %s", (int)at, path, strerror(errno));
	while (rc == 0 && (entry = readdir(all)) != NULL)
		if (entry->d_name[0] != '.')
			rc = add(f, fd, entry->d_name, path, at, depth, err);
	(void)closedir(all);
	return rc;
}

static int fill(struct folder *f, const char *directory, struct error *err)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;
	char path[PATH_BYTES] = "/";

	if (fd < 0)
		return error_set(err, ERROR_SYSTEM, "%s", strerror(errno));
	rc = add_directory(f, fd, path, 0, 1, err);
	(void)close(fd);
	if (rc == 0 && folder_find(f, "/") == NULL)
		rc = error_set(err, ERROR_CONFIG, "it has no index.html");
	return rc;
}

int folder_load(struct folder **out, const char *directory, size_t max_bytes, struct error *err)
{
	*out = NULL;
	if (directory == NULL || *directory == '\0')
		return 0;
	*out = xcalloc(1, sizeof **out);
	(*out)->max_bytes = max_bytes;
	if (fill(*out, directory, err) == 0)
		return 0;
	folder_free(out);
	return error_prefix(err, "[server] realtimestt_page \"%.200s\"", directory);
}

void folder_free(struct folder **f)
{
	for (unsigned i = 0; *f != NULL && i < (*f)->n; i++) {
		free((*f)->files[i].path);
		free((*f)->files[i].bytes);
	}
	free(*f);
	*f = NULL;
}

unsigned folder_count(const struct folder *f)
{
	return f->n;
}

const struct folder_file *folder_find(const struct folder *f, const char *path)
{
	if (strcmp(path, "/") == 0)
		path = "/index.html";
	for (unsigned i = 0; i < f->n; i++)
		if (strcmp(f->files[i].path, path) == 0)
			return &f->files[i];
	return NULL;
}
