/* store: the directory of models on this machine. One's own is written to: $STENOPOOL_MODELS; without that root's
 * /var/lib/stenopool/models, others' $XDG_DATA_HOME/stenopool/models or ~/.local/share/stenopool/models. Read are also
 * /var/lib/stenopool/models and /usr/share/stenopool/models, but where $STENOPOOL_MODELS is set it alone.
 * A file there, or a directory that is a model, is whole or absent: it is written as FILE.part, under a lock, and renamed. All may read what is there whatever the
 * umask, for a host that root starts runs as somebody else. Command line and server at its start; blocks on the disk. */
#ifndef MODELS_STORE_H
#define MODELS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct model;

/* A directory that the catalogue does not know has its sum beside it, in a file of its name with this behind (known.h). */
#define STORE_SUM_END ".sum"

enum { STORE_PATH_BYTES = 4096 };

/* One's own directory, which may not be there yet. -1: it is not known where it would be, or too long. */
int store_dir(char out[STORE_PATH_BYTES], struct error *err);
/* The i-th of the directories that are read, one's own first, which is "" where it is not known; false: there are no more. */
bool store_read_from(unsigned i, char out[STORE_PATH_BYTES]);
/* Whether the model's file is in one of the directories, and where; the first that has it. It may be any file. */
bool store_find(const struct model *m, char out[STORE_PATH_BYTES]);
/* Whether a file, or all files of a directory together, have as many bytes as the model; what is cut is not whole. */
bool store_is_whole(const struct model *m, const char *path);
/* The same as store_find, for who needs it: where there is none, the sentence names the command that gets it. */
int store_need(const struct model *m, char out[STORE_PATH_BYTES], struct error *err);

/* A place in one's own directory where the model's file is being made; nobody else makes it meanwhile. */
struct store_place {
	char path[STORE_PATH_BYTES]; /* the file to be */
	char part[STORE_PATH_BYTES]; /* what is written; may be there from an earlier time */
	char lock[STORE_PATH_BYTES];
	int lock_fd;
	bool is_tree; /* file and `part` are directories */
};

/* Called where another process makes it now, before it is waited for. */
typedef void store_wait_f(void *arg);

/* Makes the directory if need be, and waits for the lock. */
int store_open(struct store_place *p, const struct model *m, store_wait_f *on_wait, void *arg,
    struct error *err);
/* `part` becomes the file: readable for all, on the disk, by its name. */
int store_keep(struct store_place *p, struct error *err);
void store_drop(struct store_place *p);  /* `part` goes */
void store_close(struct store_place *p); /* gives the lock back; `part` stays */

/* Takes the model's file out of one's own directory, and what is left of unfinished ones. -1: it is not there, or only where
 * one does not write. */
int store_remove(const struct model *m, struct error *err);

#endif
