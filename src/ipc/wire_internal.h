/* wire: numbers and bytes into a packet and out of it, little endian. A writer or a reader that has failed stays failed
 * and moves no further, so that a list of fields needs no check after each; what went wrong first is what is
 * reported. For the encoders and decoders of this directory only. */
#ifndef IPC_WIRE_INTERNAL_H
#define IPC_WIRE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

struct wire_writer {
	uint8_t *packet; /* borrowed */
	size_t n, cap;   /* n <= cap */
	bool failed;
	const char *name; /* of the message's type; borrowed */
	struct error *err;
};

/* ERROR_LIMIT: `what` is `value` and may be `max` at most. */
void wire_put_fail(struct wire_writer *w, const char *what, uint64_t value, uint64_t max);
void wire_put_bytes(struct wire_writer *w, const void *bytes, size_t n);
void wire_put_u16(struct wire_writer *w, uint16_t value);
void wire_put_u32(struct wire_writer *w, uint32_t value);
void wire_put_u64(struct wire_writer *w, uint64_t value);

struct wire_reader {
	const uint8_t *at; /* borrowed */
	size_t left;
	bool failed;
	const char *name; /* of the message's type; borrowed */
	struct error *err;
};

void wire_get_fail(struct wire_reader *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* ERROR_PEER */
/* The next n bytes, inside the packet; NULL when there are fewer. */
const uint8_t *wire_get_bytes(struct wire_reader *r, size_t n);
/* 0 from one that has failed. */
uint16_t wire_get_u16(struct wire_reader *r);
uint32_t wire_get_u32(struct wire_reader *r);
uint64_t wire_get_u64(struct wire_reader *r);

#endif
