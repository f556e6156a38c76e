/* All settings, a row each: what they are called, what is allowed, and what the manual says of them. */
#include "cli/config_table.h"

#include <stdbool.h>
#include <string.h>

#include "base/edit_distance.h"
#include "base/error.h"
#include "base/util.h"
#include "cli/config.h"

static const char *const log_levels[] = { "error", "warn", "info", "debug",
	NULL }; /* enum log_level */
static const char *const refreshes[] = { "utterance", "session", "reset", NULL }; /* enum refresh */
static const char *const leases[] = { "session", "utterance", NULL };        /* enum lease_kind */
static const char *const endpointings[] = { "vad", "manual", NULL };         /* enum endpointing */
static const char *const vads[] = { "auto", "silero", "statistical", NULL }; /* enum vad_choice */

static const char *const no_yes[] = { "no", "yes", NULL }; /* false, true */

#define SERVER(field) offsetof(struct config, field)
#define LISTEN(field) offsetof(struct config_listen, field)
#define POOL(field)   offsetof(struct config_pool, field)

/* clang-format off */
const struct config_row config_table[] = {
	/* section, key, type, offset, min, max, initial, per core, unit, choices, effect, help */
	{ CONFIG_SERVER, "log_level", CONFIG_CHOICE, SERVER(log_level), 0, 0, "info", 0, "WORD", log_levels, CONFIG_LIVE,
	  "What is written to the log: this and what is graver" },
	{ CONFIG_SERVER, "child_lines_max", CONFIG_UINT, SERVER(child_lines_max), 0, 100000, "100", 0, "lines", NULL, CONFIG_LIVE,
	  "What a host or an instance writes to its stderr is logged, in 10 s so many lines; those beyond are counted" },
	{ CONFIG_SERVER, "max_sessions", CONFIG_UINT, SERVER(max_sessions), 1, 100000, "1000", 0, "sessions", NULL, CONFIG_LIVE,
	  "Sessions open at once, those that wait for a place included; one more is refused" },
	{ CONFIG_SERVER, "ear_threads", CONFIG_UINT, SERVER(ear_threads), 1, 64, NULL, 1, "threads", NULL, CONFIG_RESTART,
	  "Threads that resample audio and look for speech in it" },
	{ CONFIG_SERVER, "compute_slots", CONFIG_UINT, SERVER(compute_slots), 0, 1024, "0", 0, "decodes", NULL, CONFIG_LIVE,
	  "Of engines that decode an utterance whole so many decode at once, finals before partials; 0 is one a core, or fewer where a decode takes several threads" },
	{ CONFIG_SERVER, "max_connections", CONFIG_UINT, SERVER(http.max_connections), 1, 100000, "2000", 0, "connections", NULL, CONFIG_LIVE,
	  "Connections open at once on all listeners; for one more, one goes that has not sent a whole request; if there is none, it is answered 503" },
	{ CONFIG_SERVER, "max_connections_per_address", CONFIG_UINT, SERVER(http.max_connections_per_address), 0, 100000, "0", 0, "connections", NULL, CONFIG_LIVE,
	  "Those of one IPv4 address or one IPv6 network of 64 bits, trusted proxies apart; 0 is no limit" },
	{ CONFIG_SERVER, "trusted_proxies", CONFIG_TEXT, SERVER(trusted_proxies), 0, 0, "", 0, "127.0.0.1, 10.0.0.0/8", NULL, CONFIG_LIVE,
	  "Addresses and networks of proxies whose X-Forwarded-For and -Host are believed; nobody else's are" },
	{ CONFIG_SERVER, "header_timeout_ms", CONFIG_UINT, SERVER(http.header_timeout_ms), 100, 600000, "10000", 0, "ms", NULL, CONFIG_LIVE,
	  "A client has so long to send the header of a request, and again whenever progress_bytes came in that time" },
	{ CONFIG_SERVER, "body_timeout_ms", CONFIG_UINT, SERVER(http.body_timeout_ms), 100, 3600000, "60000", 0, "ms", NULL, CONFIG_LIVE,
	  "A client has so long to send the body of a request, and again whenever progress_bytes came in that time" },
	{ CONFIG_SERVER, "progress_bytes", CONFIG_UINT, SERVER(http.progress_bytes), 1, 1048576, "1024", 0, "bytes", NULL, CONFIG_LIVE,
	  "What must come of a header or a body in each of these times, so that a slow client is waited for and one that drips is not" },
	{ CONFIG_SERVER, "http_idle_timeout_ms", CONFIG_UINT, SERVER(http.idle_timeout_ms), 100, 3600000, "75000", 0, "ms", NULL, CONFIG_LIVE,
	  "A connection without a request is kept so long; longer than the 60 s of the usual load balancers, which else send into one that is being closed" },
	{ CONFIG_SERVER, "linger_timeout_ms", CONFIG_UINT, SERVER(http.linger_timeout_ms), 100, 60000, "2000", 0, "ms", NULL, CONFIG_LIVE,
	  "A client has so long to close a connection after the server has" },
	{ CONFIG_SERVER, "max_header_bytes", CONFIG_UINT, SERVER(http.max_header_bytes), 1024, 1048576, "16384", 0, "bytes", NULL, CONFIG_LIVE,
	  "The longest header of a request; a longer one is answered 431" },
	{ CONFIG_SERVER, "max_body_bytes", CONFIG_SIZE, SERVER(http.max_body_bytes), 1024, 1073741824, "26214400", 0, "bytes", NULL, CONFIG_LIVE,
	  "The longest body of a request; it is held in memory, and a longer one is answered 413" },
	{ CONFIG_SERVER, "max_message_bytes", CONFIG_UINT, SERVER(http.max_message_bytes), 1024, 67108864, "16777216", 0, "bytes", NULL, CONFIG_LIVE,
	  "The longest message on a WebSocket; a longer one ends the connection" },
	{ CONFIG_SERVER, "send_buffer_bytes", CONFIG_UINT, SERVER(http.send_buffer_bytes), 4096, 67108864, "16777216", 0, "bytes", NULL, CONFIG_LIVE,
	  "What a client has not read yet; with more than this its WebSocket is closed" },
	{ CONFIG_SERVER, "session_buffer_ms", CONFIG_UINT, SERVER(session.buffer_ms), 1000, 600000, "60000", 0, "ms", NULL, CONFIG_LIVE,
	  "Audio kept for a session that waits or whose recogniser is behind; a client that sends more is slowed" },
	{ CONFIG_SERVER, "idle_timeout_ms", CONFIG_UINT, SERVER(session.idle_timeout_ms), 0, 86400000, "60000", 0, "ms", NULL, CONFIG_LIVE,
	  "A session without audio is ended after so long; 0 is never" },
	{ CONFIG_SERVER, "partial_interval_ms", CONFIG_UINT, SERVER(session.partial_interval_ms), 100, 10000, "300", 0, "ms", NULL, CONFIG_LIVE,
	  "Audio between two partial texts of an utterance" },
	{ CONFIG_SERVER, "utterance_losses_max", CONFIG_UINT, SERVER(session.losses_max), 1, 64, "8", 0, "instances", NULL, CONFIG_LIVE,
	  "An utterance is heard again when its instance is lost; when so many were lost and brought it no further it is given up, though nothing shows that they died of it" },
	{ CONFIG_SERVER, "poison_dir", CONFIG_TEXT, SERVER(session.poison_dir), 0, 0, "", 0, "PATH", NULL, CONFIG_LIVE,
	  "A directory where the audio is kept, as WAV, of utterances that instances died of; empty: nowhere" },
	{ CONFIG_SERVER, "decoder", CONFIG_TEXT, SERVER(decoder.program), 0, 0, "ffmpeg", 0, "PATH", NULL, CONFIG_LIVE,
	  "The ffmpeg that decodes what is no plain WAV: MP3, FLAC, Ogg, WebM, M4A and others; a name is looked for in PATH. It is confined, so no script that starts others" },
	{ CONFIG_SERVER, "decoder_max", CONFIG_UINT, SERVER(decoder.max), 1, 4096, "16", 0, "processes", NULL, CONFIG_LIVE,
	  "Files being decoded at once; one more is refused, to be sent again later" },
	{ CONFIG_SERVER, "decoder_timeout_ms", CONFIG_UINT, SERVER(decoder.timeout_ms), 100, 600000, "10000", 0, "ms", NULL, CONFIG_LIVE,
	  "A decoder that makes no progress for so long, with nobody holding it back, is killed; one that was killed is waited for no longer" },
	{ CONFIG_SERVER, "decoder_max_memory_mb", CONFIG_UINT, SERVER(decoder.max_memory_mb), 256, 65536, "512", 0, "MB", NULL, CONFIG_LIVE,
	  "Address space of a decoder, in which its libraries take most" },
	{ CONFIG_SERVER, "decoder_max_audio_s", CONFIG_UINT, SERVER(decoder.max_audio_s), 1, 604800, "14400", 0, "s", NULL, CONFIG_LIVE,
	  "Audio in a file that is decoded, silence where its clock has holes included; one that has more is refused, however few bytes it has" },
	{ CONFIG_SERVER, "start_timeout_ms", CONFIG_UINT, SERVER(start_timeout_ms), 100, 600000, "10000", 0, "ms", NULL, CONFIG_LIVE,
	  "A client has so long from its connection to its start message" },
	{ CONFIG_SERVER, "deepgram_timeout_ms", CONFIG_UINT, SERVER(deepgram_timeout_ms), 100, 3600000, "10000", 0, "ms", NULL, CONFIG_LIVE,
	  "A client of Deepgram's live protocol that sends neither audio nor KeepAlive for so long is ended" },
	{ CONFIG_SERVER, "deepgram_max_file_bytes", CONFIG_SIZE, SERVER(deepgram_max_file_bytes), 0, 1099511627776, "0", 0, "bytes", NULL, CONFIG_LIVE,
	  "The longest file for /v1/listen, which is kept in spool_dir while it is heard, and not in memory; 0 is max_body_bytes, in memory" },
	{ CONFIG_SERVER, "spool_dir", CONFIG_TEXT, SERVER(spool_dir), 0, 0, "/var/tmp", 0, "PATH", NULL, CONFIG_LIVE,
	  "Where files that are too long for memory are kept while they are heard, without a name" },
	{ CONFIG_SERVER, "openai_realtime_timeout_ms", CONFIG_UINT, SERVER(openai_realtime_timeout_ms), 0, 604800000, "3600000", 0, "ms", NULL, CONFIG_LIVE,
	  "A client of OpenAI's Realtime interface that sends nothing for so long is ended; its place in a pool it has given back after idle_timeout_ms. 0 is for ever" },
	{ CONFIG_SERVER, "whisperlive_max_connection_time_ms", CONFIG_UINT, SERVER(whisperlive_max_connection_time_ms), 0, 86400000, "0", 0, "ms", NULL, CONFIG_LIVE,
	  "A client of WhisperLive's protocol may speak for so long; then it gets what is left to tell, and is told to disconnect. 0 is for ever" },
	{ CONFIG_SERVER, "ping_interval_ms", CONFIG_UINT, SERVER(ping_interval_ms), 1000, 600000, "20000", 0, "ms", NULL, CONFIG_LIVE,
	  "A quiet WebSocket is sent a ping so often" },
	{ CONFIG_SERVER, "ping_timeout_ms", CONFIG_UINT, SERVER(ping_timeout_ms), 1000, 3600000, "60000", 0, "ms", NULL, CONFIG_LIVE,
	  "A WebSocket that gave no sign of life for so long is dropped" },
	{ CONFIG_SERVER, "send_timeout_ms", CONFIG_UINT, SERVER(http.send_timeout_ms), 100, 3600000, "30000", 0, "ms", NULL, CONFIG_LIVE,
	  "A connection whose client took nothing of what was sent to it for so long is dropped" },
	{ CONFIG_SERVER, "keys_file", CONFIG_TEXT, SERVER(keys_file), 0, 0, "", 0, "PATH", NULL, CONFIG_LIVE,
	  "Only clients with a key of this file are let in, which stenopool keys add writes; empty: all are" },
	{ CONFIG_SERVER, "twilio_tokens_file", CONFIG_TEXT, SERVER(twilio_tokens_file), 0, 0, "", 0, "PATH", NULL, CONFIG_LIVE,
	  "A file with the auth tokens of Twilio accounts, one a line: only calls that are signed with one are let in; empty: all are. SIGHUP reads the file again" },
	{ CONFIG_SERVER, "allow_open", CONFIG_CHOICE, SERVER(allow_open), 0, 0, "no", 0, "WORD", no_yes, CONFIG_LIVE,
	  "Whether to listen on other addresses than this machine's own without a keys_file" },
	{ CONFIG_SERVER, "allowed_origins", CONFIG_TEXT, SERVER(allowed_origins), 0, 0, "", 0, "https://HOST", NULL, CONFIG_LIVE,
	  "Web pages that may use the server, such as https://example.org, or * for all; empty: its own, with a keys_file all" },
	{ CONFIG_SERVER, "openai_models", CONFIG_TEXT, SERVER(openai_models), 0, 0,
	  "*", 0, "NAME,...", NULL, CONFIG_LIVE,
	  "Models that clients of OpenAI's REST interface may name without knowing a pool: the first pool of their language hears them; * stands for any name, and at the end of one for what follows" },
	{ CONFIG_SERVER, "openai_commit_models", CONFIG_TEXT, SERVER(openai_commit_models), 0, 0,
	  "gpt-live-transcribe*, gpt-realtime-whisper*", 0, "NAME,...", NULL, CONFIG_LIVE,
	  "Models of OpenAI's Realtime interface without turn detection: it is null with them unless the client asks for it, as with OpenAI" },
	{ CONFIG_SERVER, "log_text", CONFIG_CHOICE, SERVER(log_text), 0, 0, "no", 0, "WORD", no_yes, CONFIG_LIVE,
	  "Whether what is heard is written to the log, final by final; it is never otherwise" },
	{ CONFIG_SERVER, "page", CONFIG_CHOICE, SERVER(page), 0, 0, "yes", 0, "WORD", no_yes, CONFIG_LIVE,
	  "Whether there is a page at / to dictate in a browser" },
	{ CONFIG_SERVER, "realtimestt_page", CONFIG_TEXT, SERVER(realtimestt_page), 0, 0, "", 0, "PATH", NULL, CONFIG_LIVE,
	  "A directory with an index.html, which realtimestt-fastapi listeners serve to anybody; SIGHUP reads it again; empty: no page" },
	{ CONFIG_SERVER, "realtimestt_page_max_bytes", CONFIG_SIZE, SERVER(realtimestt_page_max_bytes), 1, 1073741824, "16777216", 0, "bytes", NULL, CONFIG_LIVE,
	  "All files of realtimestt_page together, which are kept in memory" },
	{ CONFIG_SERVER, "drain_timeout_ms", CONFIG_UINT, SERVER(drain.timeout_ms), 0, 3600000, "30000", 0, "ms", NULL, CONFIG_LIVE,
	  "Sessions have so long for their open utterances when the server is told to end; 0 cuts them at once" },
	{ CONFIG_SERVER, "cut_timeout_ms", CONFIG_UINT, SERVER(drain.cut_timeout_ms), 0, 3600000, "5000", 0, "ms", NULL, CONFIG_LIVE,
	  "After that they are cut where they stand, and have so long for the finals" },
	{ CONFIG_SERVER, "drain_retry_after_ms", CONFIG_UINT, SERVER(drain.retry_after_ms), 0, 3600000, "1000", 0, "ms", NULL, CONFIG_LIVE,
	  "Clients are told to try again after so long when the server is ending" },
	{ CONFIG_SERVER, "handover_start_timeout_ms", CONFIG_UINT, SERVER(handover_start_timeout_ms), 100, 3600000, "120000", 0, "ms", NULL, CONFIG_LIVE,
	  "On SIGUSR2 a new server has so long to be ready to take over; later it is told to end, and the old one serves on" },
	{ CONFIG_SERVER, "handover_timeout_ms", CONFIG_UINT, SERVER(handover_timeout_ms), 0, 604800000, "3600000", 0, "ms", NULL, CONFIG_LIVE,
	  "A server that was taken over from waits so long for its sessions to end by themselves, then it drains" },

	{ CONFIG_LISTEN, "address", CONFIG_ADDRESS, LISTEN(address), 0, 0, "localhost:8080", 0, "HOST:PORT", NULL, CONFIG_SOCKETS,
	  "Where clients connect; port 0 takes a free one" },
	{ CONFIG_LISTEN, "protocol", CONFIG_CHOICE, LISTEN(protocol), 0, 0, "stenopool", 0, "WORD", protocol_names, CONFIG_RESTART,
	  "What is spoken there: stenopool is the native protocol, OpenAI's, Deepgram's and Twilio's by their paths, and the pages" },
	{ CONFIG_LISTEN, "pool", CONFIG_TEXT, LISTEN(pool), 0, 0, "", 0, "en", NULL, CONFIG_RESTART,
	  "Who hears clients whose protocol cannot name a pool; empty: the first" },
	{ CONFIG_LISTEN, "sample_rate", CONFIG_UINT, LISTEN(sample_rate), 0, 192000, "0", 0, "Hz", NULL, CONFIG_RESTART,
	  "Of the audio of clients that do not say it; 0: what the protocol has, 8000 for vosk and 16000 for others" },
	{ CONFIG_LISTEN, "allow_unmasked_clients", CONFIG_CHOICE, LISTEN(allow_unmasked), 0, 0, "no", 0, "WORD", no_yes, CONFIG_RESTART,
	  "Whether WebSocket clients may send frames without a mask, as old Asterisks do" },
	{ CONFIG_LISTEN, "certificate", CONFIG_TEXT, LISTEN(certificate), 0, 0, "", 0, "PATH", NULL, CONFIG_RESTART,
	  "A PEM file with the certificate and those it stands on: TLS is spoken here; empty: it is not. SIGHUP reads the file again" },
	{ CONFIG_LISTEN, "key", CONFIG_TEXT, LISTEN(key), 0, 0, "", 0, "PATH", NULL, CONFIG_RESTART,
	  "A PEM file with the certificate's private key" },

	{ CONFIG_POOL, "engine", CONFIG_TEXT, POOL(engine), 0, 0, "auto", 0, "NAME", NULL, CONFIG_MODEL,
	  "The recogniser; auto is the best of those below that takes the parameters that are set and whose model is here" },
	{ CONFIG_POOL, "languages", CONFIG_TEXT, POOL(languages), 0, 0, "", 0, "de,...", NULL, CONFIG_LIVE,
	  "Those that clients who ask for one are heard in here, any for all; empty: the one that the pool is called by, else all if its engine hears the one that it is told, else en" },
	{ CONFIG_POOL, "finals", CONFIG_TEXT, POOL(finals), 0, 0, "", 0, "", NULL, CONFIG_LIVE,
	  "Names of other pools, which bring the finals, while this one brings partials, and a final where they cannot; of several the one for the language that was heard, else the first" },
	{ CONFIG_POOL, "finals_wait_ms", CONFIG_UINT, POOL(finals_wait_ms), 100, 86400000, "2000", 0, "ms", NULL, CONFIG_LIVE,
	  "When an utterance that has ended has lacked a place there for so long, or a slot to be decoded in, this pool's final is told" },
	{ CONFIG_POOL, "tidy_text", CONFIG_CHOICE, POOL(tidy_text), 0, 0, "yes", 0, "WORD", no_yes, CONFIG_LIVE,
	  "Whether texts of an engine that writes words only get a capital and a full stop, where a client's protocol expects them" },
	{ CONFIG_POOL, "min", CONFIG_UINT, POOL(pool.min), 0, 1024, "1", 0, "instances", NULL, CONFIG_LIVE,
	  "Instances kept alive when nobody speaks" },
	{ CONFIG_POOL, "max", CONFIG_UINT, POOL(pool.max), 1, 1024, NULL, 2, "instances", NULL, CONFIG_LIVE,
	  "The most instances at work, so the most clients served at once; others wait in the queue" },
	{ CONFIG_POOL, "spare", CONFIG_UINT, POOL(pool.spare), 0, 1024, "1", 0, "instances", NULL, CONFIG_LIVE,
	  "Unused instances kept ready for whoever comes next" },
	{ CONFIG_POOL, "lease", CONFIG_CHOICE, POOL(pool.lease), 0, 0, "session", 0, "WORD", leases, CONFIG_RESTART,
	  "For how long a client is lent an instance: utterance serves more clients than there are instances, since people are silent most of the time" },
	{ CONFIG_POOL, "refresh", CONFIG_CHOICE, POOL(pool.refresh), 0, 0, "utterance", 0, "WORD", refreshes, CONFIG_RESTART,
	  "How often a new instance takes the place of the used one; reset uses one again after the engine's own reset" },
	{ CONFIG_POOL, "queue_max", CONFIG_UINT, POOL(pool.queue_max), 0, 100000, "100", 0, "clients", NULL, CONFIG_LIVE,
	  "Clients that may wait for an instance; one more is refused" },
	{ CONFIG_POOL, "queue_timeout_ms", CONFIG_UINT, POOL(pool.queue_timeout_ms), 100, 86400000, "60000", 0, "ms", NULL, CONFIG_LIVE,
	  "A client that has waited so long is refused" },
	{ CONFIG_POOL, "start_timeout_ms", CONFIG_UINT, POOL(pool.start_timeout_ms), 100, 600000, "10000", 0, "ms", NULL, CONFIG_LIVE,
	  "A new instance that is not ready after so long is killed, and after three in a row the host that made them" },
	{ CONFIG_POOL, "begin_timeout_ms", CONFIG_UINT, POOL(pool.begin_timeout_ms), 100, 600000, "5000", 0, "ms", NULL, CONFIG_LIVE,
	  "An instance that makes no progress with an open utterance for so long is killed, and another one hears the utterance again" },
	{ CONFIG_POOL, "final_timeout_ms", CONFIG_UINT, POOL(pool.final_timeout_ms), 100, 3600000, "30000", 0, "ms", NULL, CONFIG_LIVE,
	  "The same for an utterance that has ended: so long for its final" },
	{ CONFIG_POOL, "slowest_factor", CONFIG_UINT, POOL(pool.slowest_factor), 1, 1000, "5", 0, "times", NULL, CONFIG_LIVE,
	  "To both it adds the audio still to be decoded, times this: how slow decoding may be" },
	{ CONFIG_POOL, "canary_interval_ms", CONFIG_UINT, POOL(pool.canary_interval_ms), 0, 86400000, "30000", 0, "ms", NULL, CONFIG_LIVE,
	  "When nothing was decoded for so long an idle instance decodes a short clip; /readyz is 503 when nothing was for twice as long. 0 is never" },
	{ CONFIG_POOL, "early_finals", CONFIG_CHOICE, POOL(pool.early_finals), 0, 0, "yes", 0, "WORD", no_yes, CONFIG_LIVE,
	  "Whether a final is begun in a pause already (early_final_ms), which costs the decodes after which speech goes on; its text is the same without" },
	{ CONFIG_POOL, "idle_ttl_ms", CONFIG_UINT, POOL(pool.idle_ttl_ms), 0, 604800000, "600000", 0, "ms", NULL, CONFIG_LIVE,
	  "Idle instances beyond min and spare that were not needed for so long are retired; 0 is never" },
	{ CONFIG_POOL, "max_uses", CONFIG_UINT, POOL(pool.max_uses), 0, 1000000, "0", 0, "clients", NULL, CONFIG_LIVE,
	  "An instance that has heard so many is replaced (with refresh = reset); 0 is never" },
	{ CONFIG_POOL, "max_age_ms", CONFIG_UINT, POOL(pool.max_age_ms), 0, 2592000000, "0", 0, "ms", NULL, CONFIG_LIVE,
	  "An instance older than this, or up to a tenth younger, is replaced once it is idle; 0 is never" },
	{ CONFIG_POOL, "max_rss_mb", CONFIG_UINT, POOL(pool.max_rss_mb), 0, 1048576, "0", 0, "MB", NULL, CONFIG_LIVE,
	  "An instance whose resident memory grows beyond is replaced, in an utterance at once; 0 is never" },
	{ CONFIG_POOL, "load_timeout_ms", CONFIG_UINT, POOL(load_timeout_ms), 100, 3600000, "120000", 0, "ms", NULL, CONFIG_LIVE,
	  "A host that has not loaded its model after so long is killed, and another one started" },
	{ CONFIG_POOL, "host_timeout_ms", CONFIG_UINT, POOL(host_timeout_ms), 100, 3600000, "5000", 0, "ms", NULL, CONFIG_LIVE,
	  "A host that has loaded it and does not answer for so long is killed, and another one started; instances at work go on" },
	{ CONFIG_POOL, "kill_timeout_ms", CONFIG_UINT, POOL(kill_timeout_ms), 100, 600000, "2000", 0, "ms", NULL, CONFIG_LIVE,
	  "A host that was killed has so long to be gone, and so have instances when the server ends; then it goes on without them" },
	{ CONFIG_POOL, "backoff_min_ms", CONFIG_UINT, POOL(backoff_min_ms), 1, 3600000, "2000", 0, "ms", NULL, CONFIG_LIVE,
	  "Pause before a host that ended is started again; it doubles each time, until one has served for backoff_max_ms" },
	{ CONFIG_POOL, "backoff_max_ms", CONFIG_UINT, POOL(backoff_max_ms), 1, 3600000, "60000", 0, "ms", NULL, CONFIG_LIVE,
	  "The longest such pause" },
	{ CONFIG_POOL, "warmup", CONFIG_TEXT, POOL(warmup), 0, 0, NULL, 0, "PATH", NULL, CONFIG_MODEL,
	  "A WAV file the host decodes before it forks, so that instances are born warm; unset: the one that is shipped, empty: none" },
	{ CONFIG_POOL, "confine", CONFIG_CHOICE, POOL(confine), 0, 0, "yes", 0, "WORD", no_yes, CONFIG_MODEL,
	  "Whether an instance is killed that tries to open a file or a socket, or to start a program" },
	{ CONFIG_POOL, "core_dumps", CONFIG_CHOICE, POOL(core_dumps), 0, 0, "no", 0, "WORD", no_yes, CONFIG_MODEL,
	  "Whether an instance that crashes may leave a core dump, which has what it heard in it" },
	{ CONFIG_POOL, "user", CONFIG_TEXT, POOL(user), 0, 0, "", 0, "NAME", NULL, CONFIG_MODEL,
	  "As whom host and instances run when root starts the server; empty: stenopool if there is such an account, else nobody" },
	{ CONFIG_POOL, "model", CONFIG_PARAM, 0, 0, 0, NULL, 0, "PATH", NULL, CONFIG_MODEL,
	  "The engine's acoustic or only model: a path, or a name that stenopool models list knows, if the engine takes one; unset: the engine's own default" },
	{ CONFIG_POOL, "language_model", CONFIG_PARAM, 0, 0, 0, NULL, 0, "PATH", NULL, CONFIG_MODEL,
	  "The engine's language model; unset: the engine's own default" },
	{ CONFIG_POOL, "dictionary", CONFIG_PARAM, 0, 0, 0, NULL, 0, "PATH", NULL, CONFIG_MODEL,
	  "The engine's pronunciations; unset: the engine's own default" },
	{ CONFIG_POOL, "param.NAME", CONFIG_PARAMS, 0, 0, 0, NULL, 0, "VALUE", NULL, CONFIG_MODEL,
	  "Anything else the engine knows, under its own name; it refuses what it does not know" },

	{ CONFIG_VAD, "endpointing", CONFIG_CHOICE, SERVER(endpoint.endpointing), 0, 0, "vad", 0, "WORD", endpointings, CONFIG_LIVE,
	  "What ends an utterance: silence, or only the client's word" },
	{ CONFIG_VAD, "vad", CONFIG_CHOICE, SERVER(vad), 0, 0, "auto", 0, "WORD", vads, CONFIG_LIVE,
	  "What tells speech from noise: Silero VAD, a network (`stenopool models pull silero-v6.2` fetches its weights), a statistical detector, or auto: the first where its weights are there" },
	{ CONFIG_VAD, "vad_sensitivity", CONFIG_REAL, SERVER(endpoint.vad_sensitivity), 0, 1, "0.5", 0, NULL, NULL, CONFIG_LIVE,
	  "More misses less speech and takes more noise for speech; to Silero VAD it is 1 less its threshold" },
	{ CONFIG_VAD, "pre_roll_ms", CONFIG_UINT, SERVER(endpoint.pre_roll_ms), 0, 2000, "300", 0, "ms", NULL, CONFIG_LIVE,
	  "Audio kept from before the moment speech was noticed" },
	{ CONFIG_VAD, "min_speech_ms", CONFIG_UINT, SERVER(endpoint.min_speech_ms), 0, 2000, "100", 0, "ms", NULL, CONFIG_LIVE,
	  "Shorter speech opens no utterance" },
	{ CONFIG_VAD, "post_silence_ms", CONFIG_UINT, SERVER(endpoint.post_silence_ms), 100, 10000, "600", 0, "ms", NULL, CONFIG_LIVE,
	  "Silence that ends an utterance" },
	{ CONFIG_VAD, "early_final_ms", CONFIG_UINT, SERVER(endpoint.early_final_ms), 0, 10000, "200", 0, "ms", NULL, CONFIG_LIVE,
	  "Silence after which an utterance may have ended, so that its final is begun and kept if it has; what follows is not heard for it; 0 is never" },
	{ CONFIG_VAD, "min_utterance_ms", CONFIG_UINT, SERVER(endpoint.min_utterance_ms), 0, 10000, "0", 0, "ms", NULL, CONFIG_LIVE,
	  "Silence does not end a shorter utterance" },
	{ CONFIG_VAD, "max_utterance_ms", CONFIG_UINT, SERVER(endpoint.max_utterance_ms), 1000, 120000, "30000", 0, "ms", NULL, CONFIG_LIVE,
	  "A longer utterance is cut at its quietest recent moment" },
};
/* clang-format on */

const unsigned config_table_n = ARRAY_SIZE(config_table);

const struct config_section_info config_table_sections[CONFIG_SECTIONS] = {
	[CONFIG_SERVER] = { "server", "[server]", NULL, "The server as a whole" },
	[CONFIG_LISTEN] = { "listen", "[listen NAME]", "main",
	    "An address to listen on; as many sections as there are addresses" },
	[CONFIG_POOL] = { "pool", "[pool NAME]", "en",
	    "Recognisers with one model; as many sections as there are models. Clients choose a "
	    "pool by its NAME" },
	[CONFIG_VAD] = { "vad", "[vad]", NULL,
	    "Where utterances begin and end; what a client says in its start message goes before "
	    "this" },
};

const char *config_table_nearest(const char *word, const char *const *candidates)
{
	size_t n = strlen(word);
	unsigned best = n < 3 ? 2 : n < 6 ? 3 : 4; /* one more than the slips allowed */
	const char *found = NULL;

	if (n > 64)
		return NULL;
	for (; *candidates != NULL; candidates++) {
		unsigned d = edit_distance(word, *candidates);

		if (d < best && d < strlen(*candidates)) {
			best = d;
			found = *candidates;
		}
	}
	return found;
}

static bool matches(const struct config_row *row, const char *key)
{
	if (row->type != CONFIG_PARAMS)
		return strcmp(row->key, key) == 0;
	return strncmp(key, "param.", 6) == 0 && key[6] != '\0' && strchr(key, '=') == NULL;
}

static int unknown(enum config_section section, const char *key, struct error *err)
{
	const char *keys[128]; /* more than the table has rows */
	const char *near;
	size_t n = 0;

	for (unsigned i = 0; i < config_table_n; i++)
		if (config_table[i].section == section)
			keys[n++] = config_table[i].key;
	keys[n] = NULL;
	near = config_table_nearest(key, keys);
	if (near != NULL)
		return error_set(
		    err, ERROR_CONFIG, "there is no such setting; did you mean %s?", near);
	for (unsigned i = 0; i < config_table_n; i++)
		if (matches(&config_table[i], key))
			return error_set(err, ERROR_CONFIG,
			    "there is no such setting here; it belongs in %s",
			    config_table_sections[config_table[i].section].header);
	return error_set(err, ERROR_CONFIG, "there is no such setting");
}

const struct config_row *config_table_find(
    enum config_section section, const char *key, struct error *err)
{
	_Static_assert(
	    ARRAY_SIZE(config_table) < 128, "unknown() has room for the keys of every row");

	for (unsigned i = 0; i < config_table_n; i++)
		if (config_table[i].section == section && matches(&config_table[i], key))
			return &config_table[i];
	(void)unknown(section, key, err);
	return NULL;
}
