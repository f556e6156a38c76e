/* config_table: what can be set: one row a setting. Everything that is known about a setting stands in its row; the
 * rest of config is made from the rows. Server process, before the loop runs. */
#ifndef CLI_CONFIG_TABLE_H
#define CLI_CONFIG_TABLE_H

#include <stddef.h>

struct error;

enum config_section { CONFIG_SERVER, CONFIG_LISTEN, CONFIG_POOL, CONFIG_VAD, CONFIG_SECTIONS };

enum config_type {
	CONFIG_UINT,    /* unsigned */
	CONFIG_SIZE,    /* size_t */
	CONFIG_REAL,    /* double */
	CONFIG_CHOICE,  /* an enum; its value is the word's index in `choices` */
	CONFIG_ADDRESS, /* char *, owned: HOST:PORT */
	CONFIG_TEXT,    /* char *, owned; its default may be NULL */
	CONFIG_PARAM,   /* goes to the engine as KEY=VALUE, in struct config_pool */
	CONFIG_PARAMS,  /* "param.NAME": goes to the engine as NAME=VALUE */
};

/* What it takes that a change of the file counts for a server that runs (SIGHUP). */
enum config_effect {
	CONFIG_LIVE = 1, /* nothing: new connections, sessions or instances go by it, or all */
	CONFIG_MODEL,    /* the pool's model is loaded anew, beside the one that serves */
	CONFIG_RESTART,  /* another process: a restart, or SIGUSR2 */
	CONFIG_SOCKETS,  /* other sockets: a restart, since SIGUSR2 hands over those there are */
};

struct config_row {
	enum config_section section;
	const char *key;
	enum config_type type;
	size_t offset;       /* of the field in the section's struct; unused by params */
	double min, max;     /* of numbers; sizes stay far below 2^53 */
	const char *initial; /* the default as a person would write it; NULL: unset */
	unsigned per_core;   /* not 0: the default is so many times the number of cores instead */
	const char *unit;    /* of numbers; of texts what stands for one, such as PATH */
	const char *const *choices; /* ended by NULL */
	enum config_effect effect;
	const char *help; /* one sentence without a full stop */
};

extern const struct config_row config_table[];
extern const unsigned config_table_n;

struct config_section_info {
	const char *word;    /* "pool" */
	const char *header;  /* "[pool NAME]" */
	const char *example; /* the name of the default one; NULL: the section has no name */
	const char *help;
};

extern const struct config_section_info config_table_sections[CONFIG_SECTIONS];

/* NULL and a sentence, with the name that was probably meant, when the section has no such key. */
const struct config_row *config_table_find(
    enum config_section section, const char *key, struct error *err);
/* Of a list of words that ends with NULL: the one nearest to `word`, or NULL when none is near. */
const char *config_table_nearest(const char *word, const char *const *candidates);

#endif
