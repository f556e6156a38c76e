/* The engines of this build, by name. */
#include "engine/engine.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine_print.h"

static const struct engine_ops *const engines[] = {
#ifdef ENGINE_HAS_WHISPER
	&engine_whisper,
#endif
	&engine_vosk,
#ifdef ENGINE_HAS_POCKETSPHINX
	&engine_pocketsphinx,
#endif
	&engine_exec,
	&engine_fake,
	&engine_fake_whole,
};

const struct engine_ops *engine_find(const char *name, struct error *err)
{
	char names[128] = "";
	size_t used = 0;

	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		if (strcmp(engines[i]->name, name) == 0)
			return engines[i];
		used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
		    i == 0 ? "" : ", ", engines[i]->name);
	}
	(void)error_set(
	    err, ERROR_CONFIG, "there is no engine '%s' in this build, only %s", name, names);
	return NULL;
}

void engine_print_all(FILE *to)
{
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
		engine_print(to, engines[i]);
}
