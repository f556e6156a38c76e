/* edit_distance: how near a word that somebody wrote is to one that he may have meant (Levenshtein, 1966). Pure. */
#ifndef BASE_EDIT_DISTANCE_H
#define BASE_EDIT_DISTANCE_H

enum { EDIT_DISTANCE_MAX_BYTES = 47 }; /* of `meant`; a longer one is as far away as it is long */

/* How many bytes one has to change, add or leave out to make `meant` of `written`. */
unsigned edit_distance(const char *written, const char *meant);

#endif
