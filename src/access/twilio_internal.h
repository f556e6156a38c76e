/* All phone calls and all who watch them, as access keeps them for twilio.c. */
#ifndef ACCESS_TWILIO_INTERNAL_H
#define ACCESS_TWILIO_INTERNAL_H

struct twilio_hub;

void twilio_hub_free(
    struct twilio_hub **hub); /* there is no call and no watcher any more; NULL in it is fine */

#endif
