/* utf8: whether bytes, as they come, are UTF-8 (RFC 3629). Pure. */
#ifndef NET_UTF8_H
#define NET_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct utf8 {              /* plain data, zeroed is the start */
	uint8_t need;      /* bytes of the character that are still to come */
	uint8_t low, high; /* what the next of them may be */
};

bool utf8_take(
    struct utf8 *u, const uint8_t *bytes, size_t n); /* false at the first byte that cannot be */
bool utf8_is_whole(const struct utf8 *u);            /* no character is cut at the end */

#endif
