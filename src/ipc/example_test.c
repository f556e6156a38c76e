/* The session that docs/instance-protocol.md shows, byte by byte, is what the encoder makes of it. When this fails it prints what has
 * to stand there. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "ipc/message.h"

enum { DOC_MAX = 128 * 1024, TEXT_MAX = 64 * 1024, BYTES_A_LINE = 16 };

#define TEXT(s)                                                                                    \
	{                                                                                          \
		s, sizeof(s) - 1                                                                   \
	}

static const uint8_t samples[] = { 0x00, 0x00, 0x10, 0x27, 0xf0, 0xd8, 0xff, 0x7f };
static struct ipc_word word = { TEXT("bold"), 0, 200, 0 };

static const struct step {
	bool from_program;
	struct ipc_message m;
} steps[] = {
	{ true,
	    { .type = IPC_HELLO,
		.hello = { .version = IPC_VERSION,
		    .pid = 4711,
		    .load_ms = 120,
		    .rss_kb = 13000,
		    .traits = { .decoding = IPC_DECODES_AS_IT_COMES,
			.partials = IPC_PARTIALS_OWN,
			.decode_threads = 1,
			.tells = IPC_TELLS_WORD_TIMES | IPC_TELLS_GROWING,
			.isolation = IPC_BEARS_PROCESS,
			.quiet_factor = 1 },
		    .engine = TEXT("loudness"),
		    .model = TEXT("ten words") } } },
	{ true, { .type = IPC_READY } },
	{ false,
	    { .type = IPC_BEGIN,
		.epoch = 7,
		.begin = { .utterance = 3, .rate_hz = 8000, .language = TEXT("en") } } },
	{ false, { .type = IPC_AUDIO, .epoch = 7, .audio = { samples, ARRAY_SIZE(samples) / 2 } } },
	{ true, { .type = IPC_PROGRESS, .epoch = 7, .progress = { 4, 13000, 1 } } },
	{ false, { .type = IPC_PARTIAL_REQUEST, .epoch = 7 } },
	{ true,
	    { .type = IPC_PARTIAL,
		.epoch = 7,
		.result = { .utterance = 3, .text = TEXT("bo"), .confidence = 5000 } } },
	{ false, { .type = IPC_END, .epoch = 7 } },
	{ true,
	    { .type = IPC_FINAL,
		.epoch = 7,
		.result = { .utterance = 3,
		    .text = TEXT("bold"),
		    .confidence = 10000,
		    .words_n = 1,
		    .words = &word,
		    .cpu_us = 1500,
		    .faults = 12,
		    .rss_kb = 13004 } } },
	{ false, { .type = IPC_RESET } },
	{ true, { .type = IPC_READY } },
};

static char *read_doc(void)
{
	char *text = xcalloc(DOC_MAX, 1);
	FILE *f = fopen(TEST_DOC, "re");

	assert_non_null(f);
	assert_true(fread(text, 1, DOC_MAX - 1, f) > 0);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void dump(FILE *to, const struct step *s)
{
	uint8_t packet[IPC_PACKET_MAX];
	struct error err;
	int n = ipc_encode(&s->m, packet, sizeof packet, &err);

	assert_true(n > 0);
	(void)fprintf(to, "    %s %s, %d bytes\n",
	    s->from_program ? "program:" : "server:", ipc_type_name(s->m.type), n);
	for (int i = 0; i < n; i++) {
		if (i % BYTES_A_LINE == 0)
			(void)fprintf(to, "    %04x ", (unsigned)i);
		(void)fprintf(to, " %02x%s", packet[i],
		    i % BYTES_A_LINE == BYTES_A_LINE - 1 || i == n - 1 ? "\n" : "");
	}
}

static void test_example(void **state)
{
	char *doc = read_doc(), *want = xcalloc(TEXT_MAX, 1);
	FILE *to = fmemopen(want, TEXT_MAX, "w");

	(void)state;
	assert_non_null(to);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		dump(to, &steps[i]);
	assert_int_equal(fclose(to), 0);
	if (strstr(doc, want) == NULL)
		(void)fprintf(stderr, "%s has to have:\n%s", TEST_DOC, want);
	assert_non_null(strstr(doc, want));
	free(doc);
	free(want);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_example) };

	return cmocka_run_group_tests_name("example", tests, NULL, NULL);
}
