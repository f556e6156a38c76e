/* native_start: the text messages a native client sends, read strictly: one JSON object of a known type, with
 * known fields of the right type and range. Pure. */
#ifndef ACCESS_NATIVE_START_H
#define ACCESS_NATIVE_START_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/wanted.h"
#include "ipc/message.h"
#include "session/session.h"

struct error;

enum native_command { NATIVE_START, NATIVE_COMMIT, NATIVE_STOP };

struct native_start {
	char pool[64];                 /* "": not named */
	struct session_config session; /* its adaptation points to the field below */
	struct wanted wanted;          /* of which the caller is to be done */
	bool return_adaptation;
	uint8_t adaptation[IPC_BLOB_MAX];
};

/* Reads one message. For NATIVE_START fills *start, which holds the defaults before. -1: *err is a sentence for the
 * client that names the field. */
int native_parse(const char *text, size_t n, enum native_command *command,
    struct native_start *start, struct error *err);

#endif
