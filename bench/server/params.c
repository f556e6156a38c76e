#include "server/params.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

static const struct {
	const char *key;
	size_t offset;
} numbers[] = {
	{ "n", offsetof(struct params, n) },
	{ "total", offsetof(struct params, total) },
	{ "utterances", offsetof(struct params, utterances) },
	{ "seconds", offsetof(struct params, seconds) },
	{ "gap_ms", offsetof(struct params, gap_ms) },
	{ "pools", offsetof(struct params, pools) },
	{ "pid", offsetof(struct params, pid) },
	{ "rate", offsetof(struct params, rate) },
	{ "rounds", offsetof(struct params, rounds) },
};

static const struct {
	const char *word;
	size_t offset;
} flags[] = {
	{ "vad", offsetof(struct params, vad) },
	{ "silero", offsetof(struct params, silero) },
	{ "partials", offsetof(struct params, partials) },
	{ "trace", offsetof(struct params, trace) },
};

_Noreturn static void refuse(const char *argument)
{
	(void)fprintf(stderr, "server_load: \"%s\" is not known\n", argument);
	exit(2);
}

static unsigned number_of(const char *argument, const char *value)
{
	char *end;
	unsigned long v = strtoul(value, &end, 10);

	if (end == value || *end != '\0' || v > 10000000)
		refuse(argument);
	return (unsigned)v;
}

static bool take_number(struct params *p, const char *argument, const char *value)
{
	size_t n = (size_t)(value - argument) - 1;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (strlen(numbers[i].key) != n || strncmp(numbers[i].key, argument, n) != 0)
			continue;
		*(unsigned *)(void *)((char *)p + numbers[i].offset) = number_of(argument, value);
		return true;
	}
	return false;
}

static bool take_flag(struct params *p, const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (strcmp(flags[i].word, word) != 0)
			continue;
		*(bool *)((char *)p + flags[i].offset) = true;
		return true;
	}
	return false;
}

void params_read(struct params *p, int argc, char **argv)
{
	int i;

	*p = (struct params){ .n = 1,
		.pools = 1,
		.total = 1,
		.utterances = 1,
		.seconds = 5,
		.rate = 1000,
		.rounds = 1 };
	for (i = 0; i < argc; i++) {
		const char *equals = strchr(argv[i], '=');

		if (strncmp(argv[i], "url=", 4) == 0)
			p->url = argv[i] + 4;
		else if (equals != NULL ? !take_number(p, argv[i], equals + 1)
					: !take_flag(p, argv[i]))
			break;
	}
	p->files = argv + i;
	p->files_n = argc - i;
	if (p->url == NULL || p->n == 0)
		refuse(p->url == NULL ? "no url=" : "n=0");
}
