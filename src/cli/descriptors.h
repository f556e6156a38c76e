/* descriptors: how many the server needs and may have, and the three that every program begins with. */
#ifndef CLI_DESCRIPTORS_H
#define CLI_DESCRIPTORS_H

struct config;
struct error;

/* Raises the soft limit as far as it goes, and warns where that is too little for the config; -1: too little to serve at all. */
int descriptors_raise(const struct config *c, struct error *err);

/* A program that was started with standard input, output or error closed would find the first file or socket that it opens in
 * their place, and write its log into it. Fills them; what is written there fails. */
void descriptors_fill(void);

#endif
