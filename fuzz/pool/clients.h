/* clients: those who hold leases, for the fuzzer of the pool. They keep to what pool.h allows, and do anything it allows. */
#ifndef FUZZ_POOL_CLIENTS_H
#define FUZZ_POOL_CLIENTS_H

#include <stdint.h>

struct pool;

enum { CLIENTS = 6 };

/* `whim` decides what is done; the same whim, the same deed. */
void clients_act(struct pool *pool, unsigned n, uint8_t whim);
void clients_leave_all(void);

#endif
