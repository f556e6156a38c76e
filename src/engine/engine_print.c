/* An engine in words that a person understands and a program finds again: one line for each trait and parameter, its
 * name first. */
#include "engine/engine_print.h"

#include "base/util.h"
#include "engine/engine.h"

static const char *const decodings[IPC_DECODINGS] = {
	[IPC_DECODES_AS_IT_COMES] = "as it comes",
	[IPC_DECODES_WHOLE] = "whole",
};
static const char *const partials[IPC_PARTIALS] = {
	[IPC_PARTIALS_NONE] = "none",
	[IPC_PARTIALS_OWN] = "its own",
	[IPC_PARTIALS_ANEW] = "decoded anew",
};
static const char *const eagers[IPC_EAGERS] = {
	[IPC_EAGER_NONE] = "none",
	[IPC_EAGER_ANEW] = "decoded anew",
	[IPC_EAGER_FORKED] = "by a copy of the process",
};
static const char *const threads[IPC_THREADS] = {
	[IPC_THREADS_NONE] = "none",
	[IPC_THREADS_AT_LOAD] = "when it loads",
	[IPC_THREADS_AT_DECODE] = "when it decodes",
};
static const char *const told[] = { "word times", "confidences", "language", "adaptation",
	"punctuation", "growing text" };
static const char *const taken[] = { "language", "prompt", "translation", "folded narrow band",
	"hot words", "phrases" };
static const char *const isolations[] = { "fork", "process", "batch" };
static const char *const kinds[ENGINE_PARAM_KINDS] = {
	[ENGINE_PARAM_TEXT] = "text",
	[ENGINE_PARAM_PATH] = "path",
	[ENGINE_PARAM_WHOLE] = "whole number",
	[ENGINE_PARAM_NUMBER] = "number",
	[ENGINE_PARAM_YES_NO] = "yes or no",
	[ENGINE_PARAM_MODEL] = "model",
	[ENGINE_PARAM_OTHERS] = "others",
};

static void print_bits(
    FILE *to, const char *word, unsigned bits, const char *const *names, size_t n)
{
	const char *between = " ";

	(void)fprintf(to, "  %s:", word);
	for (size_t i = 0; i < n; i++) {
		if ((bits & 1u << i) == 0)
			continue;
		(void)fprintf(to, "%s%s", between, names[i]);
		between = ", ";
	}
	(void)fputs(bits == 0 ? " nothing\n" : "\n", to);
}

static void print_traits(FILE *to, const struct ipc_traits *t)
{
	(void)fprintf(to, "  decodes: %s\n", decodings[t->decoding]);
	(void)fprintf(to, "  partials: %s\n", partials[t->partials]);
	(void)fprintf(to, "  eager finals: %s\n", eagers[t->eager]);
	print_bits(to, "tells", t->tells, told, ARRAY_SIZE(told));
	print_bits(to, "takes", t->takes, taken, ARRAY_SIZE(taken));
	print_bits(to, "isolation", t->isolation, isolations, ARRAY_SIZE(isolations));
	(void)fprintf(to, "  starts threads: %s\n", threads[t->threads]);
	(void)fprintf(to, "  threads: %u\n", t->decode_threads);
	(void)fprintf(to, "  warms up: %s\n", t->warms_up ? "yes" : "no");
	(void)fprintf(to, "  quiet for: %u times the audio\n", t->quiet_factor);
}

static void print_param(FILE *to, const struct engine_param_info *p)
{
	(void)fprintf(to, "  param %s: %s", p->key, kinds[p->kind]);
	if (p->kind == ENGINE_PARAM_WHOLE || p->kind == ENGINE_PARAM_NUMBER)
		(void)fprintf(to, ", %.15g to %.15g", p->min, p->max);
	if (p->initial[0] != '\0')
		(void)fprintf(to, ", default %s", p->initial);
	(void)fprintf(to, ". %s.\n", p->text);
}

void engine_print(FILE *to, const struct engine_ops *ops)
{
	(void)fprintf(to, "engine %s\n", ops->name);
	if (ops->traits != NULL)
		print_traits(to, ops->traits);
	for (size_t i = 0; i < ops->params_n; i++)
		print_param(to, &ops->params[i]);
}
