/* The audio that two instances were lost to, for whoever looks into it: a WAV file in poison_dir. Written away from the loop,
 * for a disk may be slow or full. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "session/session_internal.h"

enum { HEADER_BYTES = 44, BYTES_PER_SAMPLE = 2 };

struct poison {
	struct work_item item;
	char path[512];
	uint8_t *file; /* owned: the WAV */
	size_t bytes;
	int error; /* errno of what failed; 0: nothing */
};

static void put(uint8_t *to, uint32_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

static void put_header(uint8_t *h, uint32_t audio_bytes)
{
	memcpy(h, "RIFF....WAVEfmt ", 16);
	put(h + 4, HEADER_BYTES - 8 + audio_bytes, 4);
	put(h + 16, 16, 4);                             /* bytes of the format */
	put(h + 20, 1, 2);                              /* PCM */
	put(h + 22, 1, 2);                              /* channels */
	put(h + 24, EAR_RATE_HZ, 4);                    /* samples a second */
	put(h + 28, EAR_RATE_HZ * BYTES_PER_SAMPLE, 4); /* bytes a second */
	put(h + 32, BYTES_PER_SAMPLE, 2);               /* bytes of a frame */
	put(h + 34, 8 * BYTES_PER_SAMPLE, 2);           /* bits of a sample */
	memcpy(h + 36, "data", 4);
	put(h + 40, audio_bytes, 4);
}

static void run(void *arg)
{
	struct poison *p = arg;
	int fd = open(p->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n = fd < 0 ? -1 : write(fd, p->file, p->bytes);

	p->error = n < 0 ? errno : n < (ssize_t)p->bytes ? ENOSPC : 0;
	fd_close(&fd);
	if (n >= 0 && p->error != 0)
		(void)unlink(p->path); /* half a recording misleads */
}

static void on_done(void *arg)
{
	struct poison *p = arg;

	if (p->error != 0)
		log_error("cannot keep %s: %s", p->path, strerror(p->error));
	else
		log_warn("kept %s", p->path);
	free(p->file);
	free(p);
}

void poison_keep(struct session *s, const struct seat *seat, const struct utterance *u)
{
	struct poison *p;

	if (s->limits->poison_dir == NULL || s->limits->poison_dir[0] == '\0')
		return;
	p = xcalloc(1, sizeof *p);
	p->bytes = HEADER_BYTES + u->audio.len;
	p->file = malloc(p->bytes);
	if (p->file == NULL) {
		free(p);
		return;
	}
	(void)snprintf(p->path, sizeof p->path, "%s/%s-%llu-session-%llu-utterance-%llu.wav",
	    s->limits->poison_dir, pool_name(seat->pool), (unsigned long long)getpid(),
	    (unsigned long long)s->id, (unsigned long long)u->id);
	put_header(p->file, (uint32_t)u->audio.len);
	memcpy(p->file + HEADER_BYTES, buffer_head(&u->audio), u->audio.len);
	p->item = (struct work_item){ .run = run, .done = on_done, .arg = p };
	s->work->submit(s->work, &p->item);
}
