/* sha1: SHA-1 (FIPS 180-4), for the WebSocket handshake, which needs it as a checksum. Not for secrets. Pure. */
#ifndef NET_SHA1_H
#define NET_SHA1_H

#include <stddef.h>
#include <stdint.h>

enum { SHA1_BYTES = 20 };

void sha1_digest(const void *bytes, size_t n, uint8_t out[SHA1_BYTES]);

#endif
