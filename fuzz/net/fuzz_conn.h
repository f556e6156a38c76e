/* fuzz_conn: net/conn.h without sockets or a loop: bytes are fed by hand and what is written is collected, so that the
 * fuzzers run the server's own code from the first byte of a connection to its end. */
#ifndef FUZZ_NET_FUZZ_CONN_H
#define FUZZ_NET_FUZZ_CONN_H

#include <stddef.h>
#include <stdint.h>

struct conn;

struct conn *fuzz_conn_new(void);
/* Gives all bytes in pieces of this size, as far as the owner reads, with the kicks it asks for; then end of file. */
void fuzz_conn_run(struct conn *c, const uint8_t *bytes, size_t n, size_t piece);
/* What was written, the lines of the date left out. */
const uint8_t *fuzz_conn_written(const struct conn *c, size_t *n_out);
void fuzz_conn_free(struct conn *c); /* aborts when an owner still holds it */

#endif
