#include "engine/whisper_model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/whisper_settings.h"

static char last[200]; /* what the library said last */

static void on_line(enum ggml_log_level level, const char *line, void *unused)
{
	(void)unused;
	if (level != GGML_LOG_LEVEL_ERROR && level != GGML_LOG_LEVEL_WARN)
		return;
	(void)snprintf(last, sizeof last, "%.*s", (int)strcspn(line, "\n"), line);
	(void)fprintf(stderr, "whisper: %s\n", last);
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

static unsigned floor_of(const struct whisper_settings *s, const char *name)
{
	(void)name;
	if (!s->short_window)
		return 0;
	if (s->window_floor < WHISPER_SETTINGS_FLOOR_OF_MODEL)
		return (unsigned)s->window_floor;
	if (strncmp(name, "tiny.en", 7) == 0)
		return 512;
	if (strcmp(name, "base") == 0)
		return 768;
	return 0;
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
		return error_set(
		    err, ERROR_ENGINE, "model: %s cannot be loaded: %s", s->model, last);
	out->name = name_of(s->model);
	out->window_floor = floor_of(s, out->name);
	return 0;
}
