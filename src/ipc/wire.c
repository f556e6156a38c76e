/* The first failure is worded where it is noticed; all that follows on a failed writer or reader does nothing. */
#include "ipc/wire_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

void wire_put_fail(struct wire_writer *w, const char *what, uint64_t value, uint64_t max)
{
	if (!w->failed)
		(void)error_set(w->err, ERROR_LIMIT, "%s message: %s is %llu; at most %llu",
		    w->name, what, (unsigned long long)value, (unsigned long long)max);
	w->failed = true;
}

void wire_put_bytes(struct wire_writer *w, const void *bytes, size_t n)
{
	if (n > w->cap - w->n)
		wire_put_fail(w, "its size in bytes", w->n + n, w->cap);
	if (w->failed || n == 0)
		return;
	memcpy(w->packet + w->n, bytes, n);
	w->n += n;
}

static void put_uint(struct wire_writer *w, uint64_t value, unsigned bytes)
{
	uint8_t le[8];

	for (unsigned i = 0; i < bytes; i++)
		le[i] = (uint8_t)(value >> (8 * i));
	wire_put_bytes(w, le, bytes);
}

void wire_put_u16(struct wire_writer *w, uint16_t value)
{
	put_uint(w, value, 2);
}

void wire_put_u32(struct wire_writer *w, uint32_t value)
{
	put_uint(w, value, 4);
}

void wire_put_u64(struct wire_writer *w, uint64_t value)
{
	put_uint(w, value, 8);
}

void wire_get_fail(struct wire_reader *r, const char *fmt, ...)
{
	char why[128];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	if (!r->failed)
		(void)error_set(r->err, ERROR_PEER, "%s message: %s", r->name, why);
	r->failed = true;
}

const uint8_t *wire_get_bytes(struct wire_reader *r, size_t n)
{
	const uint8_t *at = r->at;

	if (n > r->left)
		wire_get_fail(r, "too short, %zu more bytes are needed", n - r->left);
	if (r->failed)
		return NULL;
	r->at += n;
	r->left -= n;
	return at;
}

static uint64_t get_uint(struct wire_reader *r, unsigned bytes)
{
	const uint8_t *le = wire_get_bytes(r, bytes);
	uint64_t value = 0;

	for (unsigned i = 0; le != NULL && i < bytes; i++)
		value |= (uint64_t)le[i] << (8 * i);
	return value;
}

uint16_t wire_get_u16(struct wire_reader *r)
{
	return (uint16_t)get_uint(r, 2);
}

uint32_t wire_get_u32(struct wire_reader *r)
{
	return (uint32_t)get_uint(r, 4);
}

uint64_t wire_get_u64(struct wire_reader *r)
{
	return get_uint(r, 8);
}
