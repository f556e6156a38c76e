#include "media/verdict.h"

#include <signal.h>
#include <string.h>

#include "base/error.h"
#include "base/exits.h"

/* What ffmpeg calls by names of its own. */
static const char *plain(const char *reason)
{
	if (strncmp(reason, "Stream map", 10) == 0)
		return "there is no audio in it";
	return reason;
}

static int of_signal(const struct verdict_facts *f, struct error *err)
{
	if (f->signal == SIGXCPU)
		return error_set(err, ERROR_LIMIT,
		    "not audio: decoding the %s file takes more time than so much audio can need",
		    container_name(f->container));
	return error_set(err, ERROR_INVALID,
	    "not audio: the decoder of the %s file was killed by signal %d (%s)",
	    container_name(f->container), f->signal, strsignal(f->signal));
}

static int of_bad_file(const struct verdict_facts *f, struct error *err)
{
	const char *why = plain(f->reason), *name = container_name(f->container);

	if (strstr(why, "Cannot allocate memory") != NULL)
		return error_set(err, ERROR_LIMIT,
		    "decoding the %s file takes more memory than decoder_max_memory_mb %u", name,
		    f->cfg->max_memory_mb);
	if (why[0] == '\0')
		return error_set(err, ERROR_INVALID,
		    "not audio: the %s file cannot be decoded (status %d)", name, (int)f->status);
	return error_set(
	    err, ERROR_INVALID, "not audio: the %s file cannot be decoded: %s", name, why);
}

int verdict(const struct verdict_facts *f, struct error *err)
{
	if (f->signal != 0)
		return of_signal(f, err);
	if (f->status == EXIT_NOT_FOUND)
		return error_set(err, ERROR_INVALID,
		    "%s files need ffmpeg, which is not installed (setting decoder); send WAV or "
		    "install ffmpeg",
		    container_name(f->container));
	if (f->status == EXIT_NOT_CONFINED)
		return error_set(err, ERROR_SYSTEM, "the decoder cannot be run: %s", f->reason);
	if (f->status != 0 || (f->decoded_n == 0 && f->reason[0] != '\0'))
		return of_bad_file(f, err);
	return 0;
}
