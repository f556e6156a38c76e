/* Traits in a packet: eleven u16. */
#ifndef IPC_TRAITS_INTERNAL_H
#define IPC_TRAITS_INTERNAL_H

#include "ipc/traits.h"

struct wire_reader;
struct wire_writer;

void traits_put(struct wire_writer *w, const struct ipc_traits *t);
/* On a reader that has failed *t is of no meaning. */
void traits_get(struct wire_reader *r, struct ipc_traits *t);

#endif
