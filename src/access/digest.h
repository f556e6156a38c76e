/* digest: the SHA-256 of a body, taken in the work pool piece by piece, so that a long one holds up nobody on the loop. Each piece
 * is copied before it is handed over: whoever has the bytes may let them go at any time. Server process, loop thread only. */
#ifndef ACCESS_DIGEST_H
#define ACCESS_DIGEST_H

#include <stddef.h>

struct digest;
struct work;

enum { DIGEST_HEX_BYTES = 65, DIGEST_PIECE_BYTES = 131072 };

/* Once, from the loop, never from inside digest_start; `hex` is lent. It may free the digest. */
typedef void digest_done_f(void *arg, const char *hex);
/* So many more of the bytes have been read, and are not needed any more. */
typedef void digest_read_f(void *arg, size_t n);

/* Borrows all but what it points to of `bytes`, which is needed until on_done or digest_free. on_read may be NULL. NULL: no
 * memory. */
struct digest *digest_start(struct work *work, const void *bytes, size_t n, digest_done_f *on_done,
    digest_read_f *on_read, void *arg);
/* on_done comes no more; the memory goes when no job has it. NULL in it is fine. */
void digest_free(struct digest **d);

#endif
