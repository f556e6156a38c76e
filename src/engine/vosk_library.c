#define _GNU_SOURCE
#include "engine/vosk_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"

#define FILE_NAME "libvosk.so"

enum { PATH_CAP = 4096 };

/* Where a function is found goes into a field, whatever its type: POSIX has both of one size. */
#define FIELD(f) offsetof(struct vosk_library, f)

static const struct function {
	const char *name;
	size_t field;
} functions[] = {
	{ "vosk_model_new", FIELD(model_new) },
	{ "vosk_model_free", FIELD(model_free) },
	{ "vosk_model_find_word", FIELD(find_word) },
	{ "vosk_recognizer_new", FIELD(recogniser_new) },
	{ "vosk_recognizer_new_grm", FIELD(recogniser_new_phrases) },
	{ "vosk_recognizer_free", FIELD(recogniser_free) },
	{ "vosk_recognizer_set_words", FIELD(set_words) },
	{ "vosk_recognizer_accept_waveform_s", FIELD(accept) },
	{ "vosk_recognizer_result", FIELD(result) },
	{ "vosk_recognizer_partial_result", FIELD(partial_result) },
	{ "vosk_recognizer_final_result", FIELD(final_result) },
	{ "vosk_set_log_level", FIELD(set_log_level) },
};

/* The library computes with one thread if it is told so before it is there; an instance may start none. */
static void forbid_threads(void)
{
	(void)setenv("OMP_NUM_THREADS", "1", 1);
	(void)setenv("OPENBLAS_NUM_THREADS", "1", 1);
	(void)setenv("MKL_NUM_THREADS", "1", 1);
}

static int find_functions(struct vosk_library *l, const char *path, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		void *at = dlsym(l->handle, functions[i].name);

		if (at == NULL)
			return error_set(err, ERROR_ENGINE, "library: %.120s has no function %s",
			    path, functions[i].name);
		memcpy((char *)l + functions[i].field, &at, sizeof at);
	}
	return 0;
}

/* All symbols at once: an instance that is confined should find everything done. It stays in memory once it was opened, for threads that
 * a library has started are in its code. */
static bool open_at(struct vosk_library *l, const char *path)
{
	l->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	return l->handle != NULL;
}

static int refuse(const char *path, const char *why, struct error *err)
{
	return error_set(err, ERROR_ENGINE, "library: %.100s cannot be loaded: %.120s", path, why);
}

static int open_named(struct vosk_library *l, const char *path, struct error *err)
{
	const char *why;

	if (access(path, R_OK) < 0 && errno == EACCES)
		return error_set(err, ERROR_ENGINE,
		    "library: %.120s may not be read by user %u, as whom this process runs "
		    "(setting user)",
		    path, (unsigned)geteuid());
	if (access(path, R_OK) < 0)
		return error_set(err, ERROR_ENGINE, "library: %.160s is not there", path);
	if (open_at(l, path))
		return 0;
	why = dlerror();
	return refuse(path, why != NULL ? why : "the system does not say why", err);
}

/* Those of tools/get-vosk: the starter's own, and root's, which is for all. */
static bool place(unsigned i, char out[PATH_CAP])
{
	static const char *const variables[] = { "XDG_DATA_HOME", "HOME" };
	static const char *const below[] = { "", "/.local/share" };
	const char *value;

	if (i >= ARRAY_SIZE(variables)) {
		(void)snprintf(out, PATH_CAP, "/var/lib/stenopool/lib/" FILE_NAME);
		return true;
	}
	value = getenv(variables[i]);
	if (value == NULL || value[0] != '/')
		return false;
	return snprintf(out, PATH_CAP, "%s%s/stenopool/lib/" FILE_NAME, value, below[i]) < PATH_CAP;
}

static int open_found(struct vosk_library *l, char path[PATH_CAP], struct error *err)
{
	(void)snprintf(path, PATH_CAP, FILE_NAME);
	if (open_at(l, path))
		return 0;
	for (unsigned i = 0; i < 3; i++)
		if (place(i, path) && access(path, R_OK) == 0)
			return open_named(l, path, err);
	return error_set(err, ERROR_ENGINE,
	    "Vosk's library, " FILE_NAME ", is not here; get it with: tools/get-vosk, or say where "
	    "it is: param.library");
}

int vosk_library_open(struct vosk_library *out, const char *path, struct error *err)
{
	char found[PATH_CAP];
	int rc;

	*out = (struct vosk_library){ .handle = NULL };
	forbid_threads();
	rc = path[0] != '\0' ? open_named(out, path, err) : open_found(out, found, err);
	if (rc == 0)
		rc = find_functions(out, path[0] != '\0' ? path : found, err);
	if (rc < 0)
		vosk_library_close(out);
	return rc;
}

void vosk_library_close(struct vosk_library *l)
{
	if (l->handle != NULL)
		(void)dlclose(l->handle);
	*l = (struct vosk_library){ .handle = NULL };
}
