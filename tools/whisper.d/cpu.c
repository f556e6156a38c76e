/* Which of the libraries that compute is taken, and how they can be stopped.
 *
 * ggml reaches what computes by one function, ggml_backend_cpu_reg. Each width of vectors has one under another name, and
 * this is the one that the rest of the library finds. */
#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <stddef.h>

#include "whisper_stop.h"

static struct {
	bool (*f)(void *arg);
	void *arg;
} ask;

void whisper_stop_ask(bool (*f)(void *arg), void *arg)
{
	ask.f = f;
	ask.arg = arg;
}

static bool on_step(void *unused)
{
	(void)unused;
	return ask.f != NULL && ask.f(ask.arg);
}

#if defined(__x86_64__)
ggml_backend_reg_t ggml_backend_cpu_reg_avx2(void);
ggml_backend_reg_t ggml_backend_cpu_reg_avx512(void);

static bool has_avx512(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
	    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni") &&
	    __builtin_cpu_supports("avx512vbmi");
}

ggml_backend_reg_t ggml_backend_cpu_reg(void)
{
	__builtin_cpu_init();
	return has_avx512() ? ggml_backend_cpu_reg_avx512() : ggml_backend_cpu_reg_avx2();
}
#else
ggml_backend_reg_t ggml_backend_cpu_reg_neon(void);

ggml_backend_reg_t ggml_backend_cpu_reg(void)
{
	return ggml_backend_cpu_reg_neon();
}
#endif

/* Stands in for ggml_backend_init_by_type in whisper.cpp (meson.build). */
ggml_backend_t stenopool_backend_init_by_type(enum ggml_backend_dev_type type, const char *params);

ggml_backend_t stenopool_backend_init_by_type(enum ggml_backend_dev_type type, const char *params)
{
	ggml_backend_t backend = ggml_backend_init_by_type(type, params);
	ggml_backend_set_abort_callback_t set;

	if (backend == NULL || type != GGML_BACKEND_DEVICE_TYPE_CPU)
		return backend;
	set = (ggml_backend_set_abort_callback_t)ggml_backend_reg_get_proc_address(
	    ggml_backend_dev_backend_reg(ggml_backend_get_device(backend)),
	    "ggml_backend_set_abort_callback");
	if (set != NULL)
		set(backend, on_step, NULL);
	return backend;
}
