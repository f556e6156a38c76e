/* multipart: the parts of a multipart/form-data body (RFC 7578) that has come whole. Nothing is copied: parts point into
 * the body. Pure. */
#ifndef NET_MULTIPART_H
#define NET_MULTIPART_H

#include <stddef.h>
#include <stdint.h>

struct error;

enum {
	MULTIPART_PARTS_MAX = 64,
	MULTIPART_HEADER_MAX = 8192, /* bytes of one part's header */
	MULTIPART_BOUNDARY_MAX = 70,
	MULTIPART_NAME_MAX =
	    255, /* bytes of a name; a longer file name or content type is shortened */
};

struct multipart_part {
	char name[MULTIPART_NAME_MAX + 1];
	char filename[MULTIPART_NAME_MAX +
	    1]; /* as the client says it: not to be opened; "": none */
	char content_type[MULTIPART_NAME_MAX + 1]; /* "": not said */
	const uint8_t *bytes;                      /* in the body */
	size_t n;
};

struct multipart {
	struct multipart_part *parts; /* owned, in the order they came */
	size_t n;
};

/* 0 and the parts in *out, which multipart_done gives back; -1 and a sentence when `content_type` (NULL: there is none) is
 * not multipart/form-data with a boundary, or the body is not what it says. `body` must outlive *out. */
int multipart_read(
    struct multipart *out, const char *content_type, const void *body, size_t n, struct error *err);
void multipart_done(struct multipart *m);
/* The first part of that name, or NULL. */
const struct multipart_part *multipart_find(const struct multipart *m, const char *name);

#endif
