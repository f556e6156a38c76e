/* message: what server, host and instance say to each other, one message a packet.
 *
 * Wire form: u16 type, u16 row, u32 bytes of the packet, u64 epoch, then the fields of the type in order;
 * all little endian and of fixed width; text and blobs carry a u32 length first. A packet that is too
 * short, too long, of an unknown type or with something left over is an ERROR_PEER, never a crash.
 *
 * The epoch is that of the lease's utterance: an instance repeats the epoch of the BEGIN it answers, so
 * that a late answer never reaches the next client. It is 0 where no utterance is meant.
 *
 * The row says which instance is meant between a host and a program that is many of them (IPC_BEARS_BATCH); it is 0 everywhere
 * else, where each instance has a socket of its own.
 *
 * Any process; pure. */
#ifndef IPC_MESSAGE_H
#define IPC_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/traits.h"

struct error;

enum {
	IPC_VERSION = 9,
	IPC_PACKET_MAX = 64 * 1024,
	IPC_AUDIO_MAX_SAMPLES = 8000, /* half a second at 16 kHz */
	IPC_RATE_HZ = 16000,
	IPC_BLOCK_SAMPLES = 1600, /* what instances decode at once: 100 ms, one PROGRESS */
	IPC_TEXT_MAX = 16 * 1024,
	IPC_BLOB_MAX = 4096,
	IPC_LANGUAGE_MAX = 15,
	IPC_PROMPT_MAX = 1024,  /* bytes; of hot words likewise */
	IPC_PHRASES_MAX = 8192, /* bytes */
	IPC_RECORDED_MAX_HZ = 192000,
	IPC_WORDS_MAX = 1024,
	IPC_CONFIDENCE_ONE = 10000, /* confidence 1.0 */
};

enum ipc_type {
	IPC_NONE = 0,
	/* host -> server, on the control socket */
	IPC_HELLO,       /* the model is loaded */
	IPC_HOST_FAILED, /* it cannot be: code and text; the host exits next */
	IPC_SPAWNED, /* carries descriptors: those of IPC_CARRIES_* that are said, in that order */
	IPC_SPAWN_FAILED,
	IPC_EXITED, /* an instance ended, with its wait status */
	/* server -> host */
	IPC_SPAWN, /* answered by SPAWNED or SPAWN_FAILED */
	/* server -> instance, on the instance's socket */
	IPC_BEGIN,
	IPC_AUDIO,
	IPC_PARTIAL_REQUEST,
	IPC_END,
	IPC_ABORT, /* forget the utterance; no answer but progress to come */
	IPC_RESET, /* forget the client; answered by READY */
	/* instance -> server */
	IPC_READY, /* waits for a BEGIN */
	IPC_PROGRESS,
	IPC_PARTIAL,
	IPC_FINAL,
	IPC_FAILED, /* this utterance; the instance waits for the next */
	/* server -> host, and back; the host answers this and SPAWN in the order in which they came */
	IPC_PING,
	IPC_PONG,
	/* server -> instance, and back: the partials and eager finals asked for so far are not wanted any more. Harmless in every state;
	 * answered, once nothing is computed for them any more, unless they were answered before or the utterance is over. */
	IPC_CANCEL,
	IPC_CANCELLED,
	/* server -> instance: what would its final be, if the utterance ended with the audio sent so far? */
	IPC_EAGER_REQUEST,
	/* instance -> server: that. The utterance goes on; should it have ended there, no other final is asked for. */
	IPC_EAGER_FINAL,
	IPC_TYPES,
};

enum {                          /* bits of `carries` */
	IPC_CARRIES_SOCKET = 1, /* always */
	IPC_CARRIES_STDERR = 2, /* the reading end */
	IPC_CARRIES_PIDFD = 4,  /* of an instance that is a process of its own */
	IPC_CARRIES_ALL = 7,
};

struct ipc_text {
	const char *bytes; /* not terminated; inside the packet when decoded */
	uint32_t length;
};

struct ipc_word {
	struct ipc_text text;
	uint32_t start_ms, end_ms; /* from the utterance's first sample; start <= end */
	uint16_t confidence;       /* 0..IPC_CONFIDENCE_ONE */
};

struct ipc_hello {
	uint32_t version; /* IPC_VERSION */
	uint32_t pid;
	uint32_t load_ms;
	uint32_t warmup_ms;
	uint32_t rss_kb;
	uint32_t private_kb;
	struct ipc_traits traits;
	struct ipc_text engine, model;
};

struct ipc_spawn { /* SPAWN, SPAWNED, EXITED, SPAWN_FAILED */
	uint64_t instance;
	uint32_t pid;         /* SPAWNED, EXITED */
	uint32_t wait_status; /* EXITED: as waitpid gives it */
	uint32_t carries;     /* SPAWNED: IPC_CARRIES_*, the descriptors that come with it */
	struct ipc_text text; /* SPAWN_FAILED */
};

struct ipc_failure {   /* HOST_FAILED, FAILED */
	uint32_t code; /* enum error_code */
	struct ipc_text text;
};

struct ipc_begin {
	uint64_t utterance;
	const uint8_t *adaptation; /* inside the packet when decoded */
	uint32_t adaptation_bytes;
	/* As struct engine_begin has them (engine/engine.h). No text has a byte 0 in it. */
	uint32_t rate_hz;   /* 0: not known; <= IPC_RECORDED_MAX_HZ */
	uint16_t translate; /* 0 or 1 */
	struct ipc_text language;
	struct ipc_text prompt, hot_words;
	struct ipc_text phrases; /* one a line */
};

struct ipc_audio {
	const uint8_t *bytes; /* s16le, 16 kHz, mono; inside the packet, not aligned */
	uint32_t samples;     /* 1..IPC_AUDIO_MAX_SAMPLES */
};

struct ipc_progress {
	uint64_t samples; /* taken by the engine since BEGIN */
	uint32_t rss_kb;  /* of the instance now */
	uint64_t signs;   /* since it was born: grows whenever the engine was heard of */
};

struct ipc_result { /* PARTIAL, FINAL, EAGER_FINAL */
	uint64_t utterance;
	struct ipc_text text;
	uint16_t confidence;
	uint16_t words_n;          /* <= IPC_WORDS_MAX */
	struct ipc_word *words;    /* the caller's; when decoding an array of IPC_WORDS_MAX */
	struct ipc_text language;  /* that was heard; empty: not known */
	const uint8_t *adaptation; /* FINAL, as what follows; EAGER_FINAL likewise */
	uint32_t adaptation_bytes;
	uint32_t cpu_us;       /* CPU time from BEGIN to here */
	uint32_t faults;       /* minor page faults, likewise */
	uint32_t rss_kb;       /* of the instance now */
	uint64_t samples;      /* EAGER_FINAL: of the utterance, which it is the final of */
	uint32_t eager_cpu_us; /* EAGER_FINAL: of `cpu_us`, what this answer alone took */
};

struct ipc_message {
	enum ipc_type type;
	uint16_t row;
	uint64_t epoch;
	union {
		struct ipc_hello hello;
		struct ipc_spawn spawn;
		struct ipc_failure failure;
		struct ipc_begin begin;
		struct ipc_audio audio;
		struct ipc_result result;
		struct ipc_progress progress;
	};
};

/* Bytes written to `packet`, or -1 when it does not fit or a field is out of bounds (ERROR_LIMIT). */
int ipc_encode(const struct ipc_message *m, uint8_t *packet, size_t cap, struct error *err);

/* 0, or -1 with ERROR_PEER. *out borrows from `packet`; `words` has room for IPC_WORDS_MAX and is where
 * out->result.words points afterwards; it may be NULL where no PARTIAL and no FINAL is expected (then one is refused). */
int ipc_decode(const uint8_t *packet, size_t n, struct ipc_word *words, struct ipc_message *out,
    struct error *err);

const char *ipc_type_name(enum ipc_type type);

#endif
