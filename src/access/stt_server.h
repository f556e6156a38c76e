/* stt_server: the two ports of RealtimeSTT's stt-server, for the files that serve them. A client's data connection has its session;
 * its control connection, if it has one, changes and asks about that. Server process, loop thread only. */
#ifndef ACCESS_STT_SERVER_H
#define ACCESS_STT_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "access/stt_control_text.h"
#include "access/stt_pair.h"

struct stt_data;

/* stt_data.c: the data connection that has this end, and what its control connection does with it. */
struct stt_data *stt_data_of(struct stt_end *e);
void stt_data_set(struct stt_data *d, const struct stt_settings *s);
const struct stt_settings *stt_data_settings(const struct stt_data *d);
const struct stt_facts *stt_data_facts(const struct stt_data *d);
/* The last utterance's; NULL: there was none since the control connection came. Lent. */
const int16_t *stt_data_last(const struct stt_data *d, size_t *n_out);
void stt_data_commit(struct stt_data *d);

enum stt_drop {
	STT_DROP_WAITING, /* what has not been made a whole utterance */
	STT_DROP_ALL      /* and those whose text has not come */
};
void stt_data_drop(struct stt_data *d, enum stt_drop what);

#endif
