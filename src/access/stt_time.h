/* stt_time: the time of day, as RealtimeSTT's servers tell it. Loop thread only, as its callers are. */
#ifndef ACCESS_STT_TIME_H
#define ACCESS_STT_TIME_H

double stt_time_now(void); /* seconds since 1970, to the microsecond */

#endif
