/* memory: how much each instance has of its own. Asking the kernel takes it up to a millisecond for each process,
 * so the question is put together on the loop thread, answered on another one, and read on the loop thread. */
#ifndef MONITOR_MEMORY_H
#define MONITOR_MEMORY_H

struct memory;
struct monitor;

struct memory *memory_new(const struct monitor *m); /* takes down who is there now */
void memory_free(struct memory **mem);
void memory_read(struct memory *mem); /* any thread; blocks on files in /proc */
unsigned memory_private_kb(const struct memory *mem, int pid); /* 0: not read */

#endif
