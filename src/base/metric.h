/* metric: what the server counts of itself, in one table. The metrics page, its help lines and the docs
 * are made from it; what belongs to one pool is counted in that pool (pool/pool.h) instead.
 * Server process, loop thread only: incrementing is a plain add. */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include <stdint.h>

/* X(kind, name, one line of help) */
#define METRICS(X)                                                                                 \
	X(COUNTER, config_reloads_total, "Times the settings were read again and taken over")      \
	X(COUNTER, config_reloads_failed_total, "Times they were in no order and not taken over")  \
	X(COUNTER, log_lines_lost_total, "Lines of the log that stderr did not take")              \
	X(COUNTER, child_lines_dropped_total,                                                      \
	    "Lines of hosts and instances not logged over server.child_lines_max")                 \
	X(COUNTER, orphans_reaped_total, "Ended processes of others that were left to the server") \
	X(COUNTER, connections_total, "Connections accepted")                                      \
	X(COUNTER, connections_refused_total, "Connections refused over server.max_connections")   \
	X(COUNTER, connections_given_up_total,                                                     \
	    "Connections without a whole request ended for others")                                \
	X(COUNTER, connections_slow_total, "Connections dropped over server.send_timeout_ms")      \
	X(COUNTER, keys_refused_total, "Requests refused for want of a key of server.keys_file")   \
	X(COUNTER, keys_limited_total, "Sessions refused or ended over a limit of their key")      \
	X(COUNTER, connections_unaccepted_total, "Connections not taken for want of descriptors")  \
	X(COUNTER, http_requests_total, "HTTP requests read whole")                                \
	X(COUNTER, http_errors_total, "HTTP requests answered with a status of 400 or more")       \
	X(COUNTER, sessions_opened_total, "Sessions opened")                                       \
	X(COUNTER, sessions_closed_total, "Sessions closed, however they ended")                   \
	X(COUNTER, sessions_refused_total, "Sessions refused before they were given a place")      \
	X(COUNTER, sessions_failed_total, "Sessions ended by an error")                            \
	X(COUNTER, sessions_moved_total, "Sessions ended because the server was leaving")          \
	X(COUNTER, sessions_overloaded_total, "Live sessions ended over session_buffer_ms")        \
	X(COUNTER, utterances_opened_total, "Utterances in which speech began")                    \
	X(COUNTER, utterances_done_total, "Utterances that ended with a final")                    \
	X(COUNTER, finals_from_partials_total,                                                     \
	    "Finals told by the instances that bring the partials, as those for finals could not") \
	X(COUNTER, utterances_failed_total, "Utterances that ended with an error")                 \
	X(COUNTER, utterances_abandoned_total, "Utterances whose client left before their final")  \
	X(COUNTER, utterances_lost_total, "Instances lost with an utterance in work")              \
	X(COUNTER, utterances_recovered_total, "Utterances begun again with another instance")     \
	X(COUNTER, utterances_poisonous_total, "Utterances that instances died of")                \
	X(COUNTER, utterances_given_up_total,                                                      \
	    "Utterances that utterance_losses_max instances did not get on with")                  \
	X(COUNTER, utterances_incomplete_total,                                                    \
	    "Utterances of which only the beginning was told, as they could not be heard to the "  \
	    "end")                                                                                 \
	X(COUNTER, eager_finals_total,                                                             \
	    "Finals begun in a pause, before it was known to be the end")                          \
	X(COUNTER, eager_finals_taken_back_total, "Of these, those thrown away as speech went on") \
	X(MICROSECONDS, eager_cpu_in_vain_seconds_total,                                           \
	    "CPU time of those that were finished in vain")                                        \
	X(COUNTER, partials_total, "Partial texts sent")                                           \
	X(COUNTER, words_total, "Words in finals")                                                 \
	X(MILLISECONDS, audio_received_seconds_total, "Audio received, by its own time")           \
	X(MILLISECONDS, audio_decoded_seconds_total, "Audio of finished utterances")               \
	X(MICROSECONDS, decode_cpu_seconds_total, "CPU time of instances for finished utterances") \
	X(COUNTER, decode_faults_total, "Page faults of instances during finished utterances")     \
	X(COUNTER, decoders_started_total, "Files given to a process of ffmpeg")                   \
	X(COUNTER, decoders_failed_total, "Files that could not be decoded, or not to the end")    \
	X(GAUGE, decoders, "Files being decoded now")                                              \
	X(GAUGE, sessions, "Sessions open now")                                                    \
	X(GAUGE, connections, "Connections open now")

#define METRIC_ENUM(kind, name, help) METRIC_##name,
enum metric { METRICS(METRIC_ENUM) METRIC_COUNT };
#undef METRIC_ENUM

/* Durations are counted in the unit of their kind and shown in seconds. */
enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_MILLISECONDS, METRIC_MICROSECONDS };

struct metric_info {
	const char *name; /* without the prefix "stenopool_" */
	const char *help;
	enum metric_kind kind;
};

extern const struct metric_info metric_table[METRIC_COUNT];

void metric_add(enum metric m, uint64_t n);
void metric_sub(enum metric m, uint64_t n); /* gauges only; never below 0 */
uint64_t metric_get(enum metric m);

/* Durations, counted in buckets that grow by about two from 0.1 ms to 60 s; plain data, zeroed is empty. */
enum { HISTOGRAM_BUCKETS = 20 };

struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS + 1]; /* the last one: longer than every bound */
	uint64_t count;
	uint64_t sum_ns;
};

extern const uint64_t histogram_bounds_ns[HISTOGRAM_BUCKETS];

void histogram_observe(struct histogram *h, uint64_t duration_ns);
/* The upper bound of the bucket below which `share` (0..1) of what was observed lies; 0 when empty. */
uint64_t histogram_quantile_ns(const struct histogram *h, double share);

#endif
