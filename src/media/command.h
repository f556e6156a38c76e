/* command: how ffmpeg is called: which container, from where, into what. Pure. */
#ifndef MEDIA_COMMAND_H
#define MEDIA_COMMAND_H

#include <stdbool.h>

#include "media/decoder.h"

enum { COMMAND_ARGS_MAX = 48 };

struct command {
	char memory[16], cpu[16];
	char *args[COMMAND_ARGS_MAX]; /* ended by NULL; lent from here and from cfg */
};

/* `kept`: the file is whole, behind stdin, and can be gone through in any order. */
void command_make(struct command *c, const char *helper, const struct decoder_config *cfg,
    const struct decoder_job *job, bool kept);

#endif
