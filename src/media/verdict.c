#include "media/verdict.h"

#include <signal.h>
#include <string.h>

#include "base/error.h"
#include "base/exits.h"
#include "media/reason.h"

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

static int of_codec(const struct verdict_facts *f, struct error *err)
{
	const char *name = f->reason->name, *file = container_name(f->container);

	if (name[0] == '\0')
		return error_set(err, ERROR_INVALID,
		    "not audio: the %s file has its audio in an encoding that is not known here",
		    file);
	return error_set(err, ERROR_INVALID,
	    "not audio: the %s file has its audio in the encoding %s, which the ffmpeg here cannot "
	    "decode",
	    file, name);
}

static int of_damaged(const struct verdict_facts *f, struct error *err)
{
	const char *file = container_name(f->container);

	if (f->reason->kind == REASON_NONE && f->status != 0)
		return error_set(err, ERROR_INVALID,
		    "not audio: the %s file cannot be decoded (status %d)", file, (int)f->status);
	return error_set(err, ERROR_INVALID,
	    "not audio: the %s file cannot be decoded; it is damaged, cut short or encrypted",
	    file);
}

static int of_bad_file(const struct verdict_facts *f, struct error *err)
{
	const char *file = container_name(f->container);

	switch (f->reason->kind) {
	case REASON_MEMORY:
		return error_set(err, ERROR_LIMIT,
		    "decoding the %s file takes more memory than decoder_max_memory_mb %u", file,
		    f->cfg->max_memory_mb);
	case REASON_FOREIGN:
		(void)sniff_none(err);
		return error_prefix(err, "not audio");
	case REASON_NO_AUDIO:
		return error_set(
		    err, ERROR_INVALID, "not audio: the %s file has no audio track", file);
	case REASON_CODEC:
		return of_codec(f, err);
	case REASON_NO_INDEX:
		return error_set(err, ERROR_INVALID,
		    "not audio: the %s file cannot be decoded; it was cut or its recording was "
		    "never "
		    "finished, so that what tells where its audio is (moov) is not there",
		    file);
	case REASON_CUT:
		return error_set(err, ERROR_INVALID,
		    "not audio: the %s file cannot be decoded; it ends before its audio begins",
		    file);
	case REASON_NONE:
	case REASON_DAMAGED:
	case REASON_KINDS:
		break;
	}
	return of_damaged(f, err);
}

/* Of a file that nobody could name nothing was recognised where nothing came out of it. */
static int of_unknown(const struct verdict_facts *f, struct error *err)
{
	if (f->reason->kind == REASON_DAMAGED || f->reason->kind == REASON_CUT) {
		(void)sniff_none(err);
		return error_prefix(err, "not audio");
	}
	return of_bad_file(f, err);
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
		return error_set(
		    err, ERROR_SYSTEM, "the decoder cannot be run: %s", f->reason->text);
	if (f->decoded_n == 0 && f->container >= CONTAINER_TAGGED && f->status != 0)
		return of_unknown(f, err);
	if (f->status != 0 || (f->decoded_n == 0 && f->reason->kind != REASON_NONE))
		return of_bad_file(f, err);
	if (f->decoded_n == 0 && !f->live)
		return error_set(err, ERROR_INVALID, "not audio: there is no audio in the %s file",
		    container_name(f->container));
	return 0;
}
