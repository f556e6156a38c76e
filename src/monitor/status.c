/* The status page, and with it the conservation sums: what has begun has ended or is still there. */
#include <inttypes.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/metric.h"
#include "base/util.h"
#include "monitor/memory.h"
#include "monitor/monitor.h"
#include "pool/compute.h"
#include "pool/crew.h"
#include "pool/pool.h"
#include "session/roster.h"
#include "session/session.h"

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* A failure may quote an engine, cut anywhere: what is not UTF-8 is made so byte by byte. */
static json_t *failure_text(const char *failure)
{
	json_t *text = json_string(failure);
	struct error ascii;

	if (text != NULL)
		return text;
	(void)error_set(&ascii, ERROR_NONE, "%s", failure);
	for (char *c = ascii.text; *c != '\0'; c++)
		*c = (unsigned char)*c < 0x80 ? *c : '?';
	return json_string(ascii.text);
}

static json_t *failure_of(const struct pool *pool)
{
	return failure_text(pool_failure(pool));
}

static void set(json_t *object, const char *key, json_t *value)
{
	(void)json_object_set_new(object, key, value);
}

static const char *state_of(const struct monitor *m)
{
	return m->leaving != NULL ? m->leaving : "serving";
}

struct instance_list {
	json_t *list;
	const struct memory *memory;
};

static void add_instance(void *arg, const struct instance_view *v)
{
	const struct instance_list *all = arg;
	json_t *i = json_object();

	set(i, "id", number(v->id));
	set(i, "pid", json_integer(v->pid));
	set(i, "state", json_string(instance_state_name(v->state)));
	set(i, "session", v->session == 0 ? json_null() : number(v->session));
	set(i, "uses", number(v->uses));
	set(i, "age_ms", number(v->age_ms));
	set(i, "private_kb", number(memory_private_kb(all->memory, v->pid)));
	(void)json_array_append_new(all->list, i);
}

static void add_waiter(void *arg, const struct waiter_view *v)
{
	json_t *w = json_object();

	set(w, "session", number(v->session));
	set(w, "position", number(v->position));
	set(w, "waited_ms", number(v->waited_ms));
	set(w, "estimated_wait_ms", number(v->estimated_wait_ms));
	(void)json_array_append_new(arg, w);
}

static json_t *counts_of(const struct pool *pool)
{
	json_t *counts = json_object();

	for (int s = INSTANCE_STARTING; s <= INSTANCE_RETIRING; s++)
		set(counts, instance_state_name((enum instance_state)s),
		    number(pool_instances_in(pool, (enum instance_state)s)));
	set(counts, "places", number(pool_config_of(pool)->max));
	set(counts, "places_taken", number(pool_places_taken(pool)));
	set(counts, "waiting", number(pool_queue_length(pool)));
	return counts;
}

static json_t *finals_of(const struct pool *pool)
{
	const struct pool_finals *finals = pool_finals(pool);
	json_t *names = json_array();

	for (unsigned i = 0; i < finals->n; i++)
		(void)json_array_append_new(names, json_string(pool_name(finals->pools[i])));
	return names;
}

static json_t *pool_of(struct crew *crew, const struct memory *memory)
{
	const struct pool *pool = crew_pool(crew);
	json_t *p = json_object(), *instances = json_array(), *queue = json_array();
	struct instance_list list = { instances, memory };

	pool_each_instance(pool, add_instance, &list);
	pool_each_waiter(pool, add_waiter, queue);
	set(p, "name", json_string(pool_name(pool)));
	set(p, "state", json_string(pool_state_name(pool_state(pool))));
	if (pool_failure(pool)[0] != '\0')
		set(p, "failure", failure_of(pool));
	if (pool_finals(pool)->n > 0)
		set(p, "finals", finals_of(pool));
	set(p, "hosts_lost", number(pool_counts(pool)->hosts_lost));
	set(p, "hosts_stuck", number(pool_counts(pool)->hosts_stuck));
	set(p, "reloading", json_boolean(crew_is_reloading(crew)));
	if (crew_reload_failure(crew)[0] != '\0')
		set(p, "reload_failure", failure_text(crew_reload_failure(crew)));
	set(p, "host_pid", json_integer(crew_host_pid(crew)));
	set(p, "counts", counts_of(pool));
	set(p, "instances", instances);
	set(p, "queue", queue);
	return p;
}

struct session_list {
	json_t *list;
	const struct monitor *monitor;
};

static void add_client(const struct monitor *m, uint64_t session, json_t *s)
{
	static const char *const priorities[PRIORITIES] = {
		[PRIORITY_HIGH] = "high", [PRIORITY_NORMAL] = "normal", [PRIORITY_LOW] = "low"
	};
	struct monitor_client client = { NULL, PRIORITY_NORMAL };

	if (m->client_of == NULL || !m->client_of(m->client_arg, session, &client))
		return;
	set(s, "key", client.key == NULL ? json_null() : json_string(client.key));
	set(s, "priority", json_string(priorities[client.priority]));
}

static void add_session(void *arg, const struct session *session)
{
	json_t *s = json_object();
	const struct session_list *all = arg;
	uint64_t instance = session_instance(session);

	set(s, "id", number(session_id(session)));
	set(s, "state", json_string(session_state_name(session_state(session))));
	set(s, "pool", json_string(session_pool_name(session)));
	set(s, "instance", instance == 0 ? json_null() : number(instance));
	add_client(all->monitor, session_id(session), s);
	(void)json_array_append_new(all->list, s);
}

/* {begun, ended, open, balanced}: `open` is counted by other means than begun - ended. */
static json_t *sum(uint64_t begun, uint64_t ended, uint64_t open)
{
	json_t *s = json_object();

	set(s, "begun", number(begun));
	set(s, "ended", number(ended));
	set(s, "open", number(open));
	set(s, "balanced", json_boolean(begun == ended + open));
	return s;
}

static unsigned alive(const struct pool *pool)
{
	unsigned n = 0;

	for (int s = INSTANCE_STARTING; s <= INSTANCE_RETIRING; s++)
		n += pool_instances_in(pool, (enum instance_state)s);
	return n;
}

static void count_utterances(void *arg, const struct session *s)
{
	*(uint64_t *)arg += session_open_utterances(s);
}

static json_t *sums_of(const struct monitor *m)
{
	struct pool_counts t = { 0 };
	uint64_t living = 0, taken = 0, open = 0;
	json_t *sums = json_object();

	for (unsigned i = 0; i < m->crews_n; i++) {
		const struct pool *pool = crew_pool(m->crews[i]);
		const struct pool_counts *c = pool_counts(pool);

		t.spawned += c->spawned;
		t.exited += c->exited;
		t.leases_granted += c->leases_granted;
		t.leases_ended += c->leases_ended;
		living += alive(pool);
		taken += pool_places_taken(pool);
	}
	roster_each(m->roster, count_utterances, &open);
	set(sums, "instances", sum(t.spawned, t.exited, living));
	set(sums, "leases", sum(t.leases_granted, t.leases_ended, taken));
	set(sums, "utterances",
	    sum(metric_get(METRIC_utterances_opened_total),
		metric_get(METRIC_utterances_done_total) +
		    metric_get(METRIC_utterances_failed_total) +
		    metric_get(METRIC_utterances_abandoned_total),
		open));
	set(sums, "sessions",
	    sum(metric_get(METRIC_sessions_opened_total), metric_get(METRIC_sessions_closed_total),
		roster_count(m->roster)));
	return sums;
}

static json_t *compute_of(const struct compute *c)
{
	json_t *all = json_object();

	set(all, "slots", number(compute_slots(c)));
	set(all, "held", number(compute_held(c)));
	set(all, "waiting", number(compute_waiting(c)));
	set(all, "partials_level", number(compute_level(c)));
	return all;
}

static char *text_and_free(json_t *object)
{
	char *text = json_dumps(object, JSON_INDENT(2));

	json_decref(object);
	return text;
}

char *monitor_status(const struct monitor *m, const struct memory *memory)
{
	json_t *status = json_object(), *pools = json_array(), *sessions = json_array();
	struct session_list list = { sessions, m };

	for (unsigned i = 0; i < m->crews_n; i++)
		(void)json_array_append_new(pools, pool_of(m->crews[i], memory));
	roster_each(m->roster, add_session, &list);
	set(status, "state", json_string(state_of(m)));
	set(status, "version", json_string(STENOPOOL_VERSION));
	set(status, "uptime_ms", number((clock_now_ns() - m->started_ns) / NS_PER_MS));
	if (m->vad != NULL)
		set(status, "vad", json_string(m->vad));
	if (m->compute != NULL)
		set(status, "compute", compute_of(m->compute));
	set(status, "pools", pools);
	set(status, "sessions", sessions);
	set(status, "sums", sums_of(m));
	return text_and_free(status);
}

static const char *word_of(const struct pool *pool)
{
	bool unproven = pool_state(pool) == POOL_READY && !pool_is_proven(pool);

	return unproven ? "unproven: nothing was decoded lately (canary_interval_ms)"
			: pool_state_name(pool_state(pool));
}

static json_t *json_of_state(const struct pool *pool)
{
	bool told = pool_failure(pool)[0] != '\0' && pool_state(pool) != POOL_STOPPED;

	return told ? failure_of(pool) : json_string(word_of(pool));
}

char *monitor_ready(const struct monitor *m, bool *ready_out)
{
	json_t *page = json_object(), *pools = json_object();
	bool ready = false;

	for (unsigned i = 0; i < m->crews_n; i++) {
		const struct pool *pool = crew_pool(m->crews[i]);

		ready = ready || pool_is_proven(pool);
		set(pools, pool_name(pool), json_of_state(pool));
	}
	ready = ready && m->leaving == NULL;
	set(page, "ready", json_boolean(ready));
	set(page, "state", json_string(state_of(m)));
	set(page, "pools", pools);
	*ready_out = ready;
	return text_and_free(page);
}
