/* The demuxer is named, or is one of those that are always allowed, and it may open nothing but the file it was given, so no file can
 * send ffmpeg elsewhere. */
#include "media/command.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>

#include "base/util.h"

/* Decoding is a hundred times faster than speaking on any machine; a tenth of that will do for the slowest codec. */
enum { SLOWEST_FACTOR = 10 };

static const char *const always[] = { "-nostdin", "-hide_banner", "-loglevel", "error", "-threads",
	"1", "-dts_delta_threshold", "86400", "-dts_error_threshold", "86400" };
/* It begins with the first bytes that tell what is in the file. */
static const char *const live[] = { "-probesize", "8192", "-analyzeduration", "0" };
/* Who sends what is none of them, raw audio perhaps, is told after a second; a tag may have a picture in it. */
static const char *const live_unknown[] = { "-formatprobesize", "32768" };
static const char *const from_file[] = { "-protocol_whitelist", "file", "-i", "file:/dev/stdin" };
static const char *const from_pipe[] = { "-protocol_whitelist", "pipe", "-i", "pipe:0" };
static const char *const out[] = { "-vn", "-sn", "-dn", "-map", "0:a:0", "-ar", "16000" };
static const char *const out_live[] = { "-flush_packets", "1" };
/* With times (timed.h). What stands a day and more behind the rest is no hole to ffmpeg, but a clock that went wrong. */
static const char *const to_pipe[] = { "-c:a", "pcm_s16le", "-map_metadata", "-1", "-f", "smjpeg",
	"pipe:1" };
static const char *const mixed[] = { "-ac", "1" };

static void add(struct command *c, size_t *n, const char *const *words, size_t words_n)
{
	for (size_t i = 0; i < words_n; i++) {
		assert(*n < COMMAND_ARGS_MAX - 1);
		c->args[(*n)++] = (char *)(uintptr_t)words[i];
	}
	c->args[*n] = NULL;
}

void command_make(struct command *c, const char *helper, const struct decoder_config *cfg,
    const struct decoder_job *job, bool kept)
{
	const char *const first[] = { helper, c->memory, c->cpu, cfg->program };
	const char *const demuxer[] = { "-format_whitelist", sniff_demuxers, "-f",
		container_demuxer(job->container) };
	size_t n = 0;

	(void)snprintf(c->memory, sizeof c->memory, "%u", cfg->max_memory_mb);
	(void)snprintf(c->cpu, sizeof c->cpu, "%u",
	    cfg->timeout_ms / 1000 + cfg->max_audio_s / SLOWEST_FACTOR + 1);
	add(c, &n, first, ARRAY_SIZE(first));
	add(c, &n, always, ARRAY_SIZE(always));
	if (job->live && !kept)
		add(c, &n, live, ARRAY_SIZE(live));
	if (job->live && job->container == CONTAINER_OTHER)
		add(c, &n, live_unknown, ARRAY_SIZE(live_unknown));
	add(c, &n, demuxer, demuxer[3] == NULL ? 2 : ARRAY_SIZE(demuxer));
	if (kept)
		add(c, &n, from_file, ARRAY_SIZE(from_file));
	else
		add(c, &n, from_pipe, ARRAY_SIZE(from_pipe));
	add(c, &n, out, ARRAY_SIZE(out));
	if (job->live && !kept)
		add(c, &n, out_live, ARRAY_SIZE(out_live));
	if (!job->apart)
		add(c, &n, mixed, ARRAY_SIZE(mixed));
	add(c, &n, to_pipe, ARRAY_SIZE(to_pipe));
}
