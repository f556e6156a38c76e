/* endpoint: where an utterance begins and ends, from the voice activity of 10 ms hops. Counts samples.
 * Pure; one thread at a time. */
#ifndef AUDIO_ENDPOINT_H
#define AUDIO_ENDPOINT_H

struct error;

enum endpointing { ENDPOINTING_VAD, ENDPOINTING_MANUAL };

/* The settings of [vad], and the fields of the same names in a client's `start`. */
struct endpoint_config {
	enum endpointing endpointing; /* manual: all audio is one utterance until commit or stop */
	double vad_sensitivity;       /* 0..1, default 0.5; more: fewer misses, more false alarms */
	unsigned pre_roll_ms;         /* 0..2000, default 300: kept from before speech was detected */
	unsigned min_speech_ms;       /* 0..2000, default 100: less detected speech opens no utterance */
	unsigned post_silence_ms;     /* 100..10000, default 600: silence that ends an utterance */
	unsigned min_utterance_ms;    /* 0..10000, default 0: silence does not end a shorter one */
	unsigned max_utterance_ms;    /* 1000..120000, default 30000: cut at its quietest recent moment */
};

#define ENDPOINT_CONFIG_DEFAULT                                                                    \
	((struct endpoint_config){ ENDPOINTING_VAD, 0.5, 300, 100, 600, 0, 30000 })

/* -1 and a sentence that names the field, its value and its range. */
int endpoint_config_check(const struct endpoint_config *cfg, struct error *err);

#endif
