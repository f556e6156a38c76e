/* tune: how the model in a file is best used, measured on recordings: stenopool-host --tune ENGINE MODEL RECORDING... A recording is a
 * clip (clip.h), at best with what is said in it in a file of the same name that ends with .txt. What an engine finds out is said
 * on stdout, and kept beside the model as MODEL.tune. */
#ifndef HOST_TUNE_H
#define HOST_TUNE_H

struct error;

/* `words`, NULL at their end: ENGINE MODEL RECORDING... */
int tune_run(char **words, struct error *err);

#endif
