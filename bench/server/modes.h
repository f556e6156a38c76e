/* What the load generator can do. Each runs to its end, prints one line of JSON and returns the exit status. */
#ifndef SERVER_MODES_H
#define SERVER_MODES_H

struct params;

int live_run(const struct params *p);  /* n clients who speak in real time, for some seconds */
int idle_run(const struct params *p);  /* n clients who say nothing */
int clips_run(const struct params *p); /* n clients who send all clips as fast as they can */
int short_run(const struct params *p); /* sessions of a few short utterances, one after the other */
int wrong_run(const struct params *p); /* nobody, then connections with wrong keys, in turn */

#endif
