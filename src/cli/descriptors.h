/* descriptors: how many the server needs and may have. */
#ifndef CLI_DESCRIPTORS_H
#define CLI_DESCRIPTORS_H

struct config;

/* Raises the soft limit as far as it goes, and warns where that is too little for the config. */
void descriptors_raise(const struct config *c);

#endif
