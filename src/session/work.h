/* work: jobs that compute away from the loop thread and report back on it. work_uv.c runs them in libuv's work
 * pool; tests run them where they stand. Server process; submit from the loop thread only. */
#ifndef SESSION_WORK_H
#define SESSION_WORK_H

struct uv_loop_s;

struct work_item {
	void (*run)(void *arg);  /* on some thread of the work pool */
	void (*done)(void *arg); /* afterwards, on the loop thread; may submit the item again */
	void *arg;
	struct work_item *next; /* work's own while it has the item */
};

struct work {
	/* Keeps the item until `done` is called; neither is called from inside. */
	void (*submit)(struct work *w, struct work_item *item);
};

/* Uses `threads` (1..64) of the work pool at once, of its `pool_threads`, which are all started here. Must be made before
 * anything else uses libuv's work pool; whoever may be short of threads tries them first (base/threads.h), for libuv ends the
 * process where one cannot be started. */
struct work *work_uv_new(struct uv_loop_s *loop, unsigned threads, unsigned pool_threads);
/* Nothing may be submitted any more. What is under way still reports; then the handles are closed and the memory
 * goes. Sets *work to NULL. */
void work_uv_free(struct work **work);

#endif
