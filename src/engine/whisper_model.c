#include "engine/whisper_model.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/audio_window.h"
#include "engine/whisper_settings.h"
#include "models/catalogue.h"
#include "models/ggml_file.h"
#include "models/sum.h"

static char last
    [200]; /* what the library said last; it says that it was stopped, too, which is no trouble */

static void on_line(enum ggml_log_level level, const char *line, void *unused)
{
	(void)unused;
	if (level != GGML_LOG_LEVEL_ERROR && level != GGML_LOG_LEVEL_WARN)
		return;
	(void)snprintf(last, sizeof last, "%.*s", (int)strcspn(line, "\n"), line);
}

void whisper_model_forget_trouble(void)
{
	memset(last, 0, sizeof last);
}

const char *whisper_model_trouble(void)
{
	return last[0] == '\0' ? "the library does not say why" : last;
}

/* The computing is built for processors with wide vectors; the oldest would end the process by SIGILL. */
static int check_processor(struct error *err)
{
#if defined(__x86_64__)
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
	    !__builtin_cpu_supports("bmi2"))
		return error_set(err, ERROR_ENGINE,
		    "Whisper needs a processor with AVX2, FMA and BMI2, which this one has not");
#endif
	(void)err;
	return 0;
}

static int check_file(const struct whisper_settings *s, struct error *err)
{
	struct ggml_file_info info;

	if (strchr(s->model, '/') == NULL)
		return error_set(err, ERROR_CONFIG,
		    "model: %s is a name, and there is nobody here to find its file", s->model);
	if (access(s->model, R_OK) < 0 && errno == EACCES)
		return error_set(err, ERROR_ENGINE,
		    "model: %s may not be read by user %u, as whom this process runs (setting "
		    "user)",
		    s->model, (unsigned)geteuid());
	if (access(s->model, R_OK) < 0)
		return error_set(err, ERROR_ENGINE, "model: %s is not there", s->model);
	if (ggml_file_check(s->model, &info, err) < 0 ||
	    (s->model_sum[0] != '\0' && sum_check_file(s->model, s->model_sum, err) < 0))
		return error_prefix(err, "model");
	return 0;
}

/* "tiny.en" of ".../ggml-tiny.en.bin" */
static char *name_of(const char *path)
{
	const char *file = strrchr(path, '/') + 1;
	char *name = xstrdup(strncmp(file, "ggml-", 5) == 0 ? file + 5 : file);
	size_t n = strlen(name);

	if (n > 4 && strcmp(name + n - 4, ".bin") == 0)
		name[n - 4] = '\0';
	return name;
}

/* What `stenopool models tune` has measured for the file, beside it, and that may be 0; false: nothing. */
static bool tuned_floor(const char *path, unsigned *out)
{
	char name[4096 + 8];
	bool known;
	FILE *f;

	if ((size_t)snprintf(name, sizeof name, "%s.tune", path) >= sizeof name)
		return false;
	f = fopen(name, "re");
	if (f == NULL)
		return false;
	known = fscanf(f, "window_floor %4u", out) == 1 && *out <= AUDIO_WINDOW_FULL;
	(void)fclose(f);
	return known;
}

static unsigned catalogue_floor(const char *path)
{
	const char *file = strrchr(path, '/') + 1;

	for (size_t i = 0; models_at(i) != NULL; i++)
		if (strcmp(models_at(i)->file, file) == 0)
			return models_at(i)->window_floor;
	return 0;
}

static unsigned floor_of(const struct whisper_settings *s, const char *path)
{
	unsigned floor;

	if (!s->short_window)
		return 0;
	if (s->window_floor < WHISPER_SETTINGS_FLOOR_OF_MODEL)
		return (unsigned)s->window_floor;
	return tuned_floor(path, &floor) ? floor : catalogue_floor(path);
}

int whisper_model_open(
    struct whisper_model *out, const struct whisper_settings *s, struct error *err)
{
	struct whisper_context_params p;

	if (check_processor(err) < 0 || check_file(s, err) < 0)
		return -1;
	whisper_log_set(on_line, NULL);
	p = whisper_context_default_params();
	p.use_gpu = false;
	*out = (struct whisper_model){ .context = whisper_init_from_file_with_params_no_state(
					   s->model, p) };
	if (out->context == NULL)
		return error_set(err, ERROR_ENGINE, "model: %s cannot be loaded: %s", s->model,
		    whisper_model_trouble());
	out->name = name_of(s->model);
	out->window_floor = floor_of(s, s->model);
	return 0;
}
