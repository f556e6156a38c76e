/* result_copy: a result with all that it borrows, in one piece of memory. Any process; pure. */
#ifndef IPC_RESULT_COPY_H
#define IPC_RESULT_COPY_H

#include <stddef.h>

#include "ipc/message.h"

/* What it borrows, in bytes. A message bounds it: IPC_PACKET_MAX. */
size_t result_copy_bytes(const struct ipc_result *r);
/* *to becomes the copy; what it borrows lies in `room`, of result_copy_bytes(r), aligned as a pointer is. */
void result_copy_into(struct ipc_result *to, void *room, const struct ipc_result *r);
/* One block of memory: to be given to free(). */
struct ipc_result *result_copy(const struct ipc_result *r);

#endif
