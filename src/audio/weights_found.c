#include "audio/weights_found.h"

#include <stdio.h>
#include <stdlib.h>

#include "audio/vad_silero_weights.h"
#include "base/error.h"
#include "base/util.h"

enum { FILE_MAX_BYTES = 1 << 20 };

static FILE *open_in(const char *dir, const char *below)
{
	char path[1024];

	if (dir == NULL || *dir == '\0')
		return NULL;
	(void)snprintf(path, sizeof path, "%s%s/ggml-silero-v6.2.0.bin", dir, below);
	return fopen(path, "rbe");
}

static FILE *open_file(void)
{
	const char *named = getenv("STENOPOOL_MODELS");
	FILE *f;

	if (named != NULL && *named != '\0')
		return open_in(named, "");
	if ((f = open_in(getenv("XDG_DATA_HOME"), "/stenopool/models")) != NULL ||
	    (f = open_in(getenv("HOME"), "/.local/share/stenopool/models")) != NULL ||
	    (f = open_in("/var/lib", "/stenopool/models")) != NULL)
		return f;
	return open_in("/usr/share", "/stenopool/models");
}

unsigned char *weights_found_bytes(size_t *n_out)
{
	FILE *f = open_file();
	unsigned char *bytes;

	if (f == NULL)
		return NULL;
	bytes = xcalloc(FILE_MAX_BYTES, 1);
	*n_out = fread(bytes, 1, FILE_MAX_BYTES, f);
	(void)fclose(f);
	return bytes;
}

struct vad_silero_weights *weights_found(void)
{
	size_t n = 0;
	unsigned char *bytes = weights_found_bytes(&n);
	struct vad_silero_weights *w = NULL;
	struct error err = ERROR_INIT;

	if (bytes != NULL && (w = vad_silero_weights_new(bytes, n, &err)) == NULL)
		(void)fprintf(stderr, "weights of Silero VAD: %s\n", err.text);
	free(bytes);
	return w;
}
