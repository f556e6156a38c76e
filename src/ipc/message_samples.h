/* message_samples: a message of each type, and of each form of it, for message_test.c. */
#ifndef IPC_MESSAGE_SAMPLES_H
#define IPC_MESSAGE_SAMPLES_H

#include "base/error.h"
#include "ipc/message.h"

#define TEXT(s)                                                                                    \
	{                                                                                          \
		(s), sizeof(s) - 1                                                                 \
	}

static struct ipc_word two_words[] = {
	{ TEXT("bonjour"), 10, 400, 9000 },
	{ TEXT(""), 400, 400, IPC_CONFIDENCE_ONE },
};

static const struct ipc_message samples[] = {
	{ .type = IPC_HELLO,
	    .hello = { IPC_VERSION, 4711, 300, 20, 91000, 88000,
		{ IPC_DECODES_WHOLE, IPC_PARTIALS_ANEW, IPC_EAGER_ANEW, IPC_THREADS_AT_DECODE, 4,
		    IPC_TELLS_CONFIDENCES, IPC_TAKES_PROMPT, IPC_BEARS_FORK, 1, 3, 0 },
		TEXT("fake"), TEXT("en-us") } },
	{ .type = IPC_HOST_FAILED, .failure = { ERROR_ENGINE, TEXT("model: /no is not there") } },
	{ .type = IPC_SPAWNED,
	    .spawn = { .instance = 1ull << 40, .pid = 99, .carries = IPC_CARRIES_ALL } },
	{ .type = IPC_SPAWN_FAILED, .spawn = { .instance = 7, .text = TEXT("no memory") } },
	{ .type = IPC_EXITED, .spawn = { .instance = 7, .pid = 99, .wait_status = 0x0b00 } },
	{ .type = IPC_SPAWN, .spawn = { .instance = UINT64_MAX } },
	{ .type = IPC_BEGIN,
	    .epoch = 3,
	    .begin = { .utterance = 17,
		.adaptation = (const uint8_t *)"blob",
		.adaptation_bytes = 4,
		.rate_hz = 8000,
		.translate = 1,
		.language = TEXT("de"),
		.prompt = TEXT("Dr. M\xc3\xbcller"),
		.hot_words = TEXT("Anamnese, MRT"),
		.phrases = TEXT("ja\nnein") } },
	{ .type = IPC_BEGIN, .epoch = 3, .begin = { .utterance = 18 } },
	{ .type = IPC_AUDIO, .epoch = 3, .audio = { (const uint8_t *)"\1\2\3\4\5\6", 3 } },
	{ .type = IPC_PARTIAL_REQUEST, .epoch = 3 },
	{ .type = IPC_END, .epoch = 3 },
	{ .type = IPC_ABORT, .epoch = 3 },
	{ .type = IPC_RESET },
	{ .type = IPC_READY },
	{ .type = IPC_PROGRESS, .epoch = UINT64_MAX, .progress = { 123456789012ull, 4711, 9 } },
	{ .type = IPC_PARTIAL,
	    .epoch = 4,
	    .result = { .utterance = 17,
		.text = TEXT("bonjour"),
		.confidence = 1,
		.words_n = 2,
		.words = two_words,
		.language = TEXT("fr") } },
	{ .type = IPC_FINAL,
	    .epoch = 4,
	    .result = { 17, TEXT("bonjour"), 8000, 2, two_words, TEXT("fr"),
		(const uint8_t *)"mean", 4, 100000, 5000, 91000, 0, 0 } },
	{ .type = IPC_EAGER_FINAL,
	    .row = 3,
	    .epoch = 4,
	    .result = { 17, TEXT("bonjour"), 8000, 2, two_words, TEXT("fr"),
		(const uint8_t *)"mean", 4, 100000, 5000, 91000, 48000, 70000 } },
	{ .type = IPC_FAILED, .epoch = 4, .failure = { ERROR_INVALID, TEXT("") } },
	{ .type = IPC_PING },
	{ .type = IPC_PONG },
	{ .type = IPC_CANCEL, .epoch = 3 },
	{ .type = IPC_CANCELLED, .epoch = 3 },
	{ .type = IPC_EAGER_REQUEST, .epoch = 3 },
};

#endif
