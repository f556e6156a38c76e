/* instance_fake: the server's side of an instance, for tests: the loop runs in a forked child, and the test speaks to it. A
 * test fails where something cannot be done, and waits 20 s at most for an answer. */
#ifndef HOST_INSTANCE_FAKE_H
#define HOST_INSTANCE_FAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipc/message.h"

struct engine_ops;
struct engine_param;
struct instance_config;

enum { INSTANCE_FAKE_SAMPLES = 16000 };

struct instance_fake {
	int fd;
	pid_t pid; /* 0: it has ended */
};

/* `like`: ops, and clock if it is to have one; the engine is loaded in the child. `param` may be NULL. */
void instance_fake_start(
    struct instance_fake *s, const struct instance_config *like, const struct engine_param *param);
/* Its wait status; the socket is closed first, which is all it takes. */
int instance_fake_end(struct instance_fake *s);
void instance_fake_drop(
    struct instance_fake *s); /* whatever it does; of one that has ended nothing */
/* Between the two it reads nothing, so that all that is said comes at once. */
void instance_fake_stop(const struct instance_fake *s);
void instance_fake_go_on(const struct instance_fake *s);

void instance_fake_say(const struct instance_fake *s, const struct ipc_message *m);
void instance_fake_say_type(const struct instance_fake *s, enum ipc_type type, uint64_t epoch);
void instance_fake_begin(
    const struct instance_fake *s, uint64_t epoch, const uint8_t *adaptation, uint32_t n);
/* A second of sound, loud all the time; n samples of it. */
void instance_fake_audio(const struct instance_fake *s, uint64_t epoch, uint32_t from, uint32_t n);
void instance_fake_audio_all(const struct instance_fake *s, uint64_t epoch, uint32_t chunk);

/* The next message; false: it has closed its socket. Borrows until the next call. */
bool instance_fake_hear(const struct instance_fake *s, struct ipc_message *out);
/* The next that is no PROGRESS, which has to be of that type and epoch. *progress_out, if not NULL, is what the last of
 * those said before; each has to say more. */
struct ipc_message instance_fake_expect(const struct instance_fake *s, enum ipc_type type,
    uint64_t epoch, struct ipc_progress *progress_out);

#endif
