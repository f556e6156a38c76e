/* pocketsphinx_phrases: phrases that are all that may be said, as the grammar that the library searches: any of them, any number of times
 * in a row. Private to the PocketSphinx engine. */
#ifndef ENGINE_POCKETSPHINX_PHRASES_H
#define ENGINE_POCKETSPHINX_PHRASES_H

#include <pocketsphinx.h>

struct error;

/* The grammar of phrases, one a line, in the words of the decoder's dictionary, in small letters where it has them so only. A phrase with
 * a word that is not in there cannot be heard and is left out, which is said once to stderr; "[unk]" is passed over: the library
 * knows no word for all others. To be freed; "": none is left. NULL: memory is out. */
char *pocketsphinx_phrases_grammar(ps_decoder_t *ps, const char *phrases, struct error *err);

#endif
