#define _GNU_SOURCE
#include "cli/vad_weights.h"

#include <stdio.h>
#include <stdlib.h>

#include "audio/vad_silero_weights.h"
#include "base/error.h"
#include "models/catalogue.h"
#include "models/store.h"
#include "models/sum.h"

enum { FILE_MAX_BYTES = 1 << 20 };

static const char MODEL[] = "silero-v6.2";

static struct vad_silero_weights *read_file(const char *path, struct error *err)
{
	struct vad_silero_weights *w = NULL;
	FILE *f = fopen(path, "rbe");
	void *bytes = malloc(FILE_MAX_BYTES);

	if (f == NULL || bytes == NULL)
		(void)error_set_errno(err, ERROR_CONFIG, "cannot read %s", path);
	else
		w = vad_silero_weights_new(bytes, fread(bytes, 1, FILE_MAX_BYTES, f), err);
	if (f != NULL)
		(void)fclose(f);
	free(bytes);
	return w;
}

struct vad_silero_weights *vad_weights_load(struct error *err)
{
	const struct model *m = models_find(MODEL, err);
	struct vad_silero_weights *w = NULL;
	char path[STORE_PATH_BYTES];

	if (m != NULL && store_need(m, path, err) == 0 && sum_check_file(path, m->sha256, err) == 0)
		w = read_file(path, err);
	if (w == NULL) {
		err->code = ERROR_CONFIG;
		(void)error_prefix(err, "vad");
	}
	return w;
}
