/* vosk_library: libvosk, opened when an engine is loaded, so that a build needs neither the library nor its headers. The functions
 * used are those of its public interface as its documentation has them (vosk_api.h of the project vosk-api); they are declared here in
 * our own words, and those that a library lacks are named in the error.
 *
 * Host process, before it forks; opens files and sets variables of the environment. */
#ifndef ENGINE_VOSK_LIBRARY_H
#define ENGINE_VOSK_LIBRARY_H

struct error;
struct vosk_their_model;      /* VoskModel */
struct vosk_their_recogniser; /* VoskRecognizer */

struct vosk_library {
	void *handle; /* owned; NULL: not open */
	/* NULL: it cannot be loaded. */
	struct vosk_their_model *(*model_new)(const char *path);
	void (*model_free)(struct vosk_their_model *m);
	/* The number of a word; -1: the model has none such. */
	int (*find_word)(struct vosk_their_model *m, const char *word);
	/* NULL: it cannot be made. It borrows the model. */
	struct vosk_their_recogniser *(*recogniser_new)(struct vosk_their_model *m, float rate_hz);
	/* `phrases`: a JSON array of texts. What is no such array ends the process later on. */
	struct vosk_their_recogniser *(*recogniser_new_phrases)(
	    struct vosk_their_model *m, float rate_hz, const char *phrases);
	void (*recogniser_free)(struct vosk_their_recogniser *r);
	void (*set_words)(struct vosk_their_recogniser *r, int are_told);
	/* 0: more is to come; 1: here a stretch of speech ends, to be had from `result`; less: it failed. */
	int (*accept)(struct vosk_their_recogniser *r, const short *samples, int n);
	/* All lent, until the next call for the same recogniser; JSON. */
	const char *(*result)(struct vosk_their_recogniser *r);
	const char *(*partial_result)(struct vosk_their_recogniser *r);
	const char *(*final_result)(struct vosk_their_recogniser *r);
	void (*set_log_level)(int level); /* below 0: warnings and errors only */
};

/* `path`: the file; "": what the system finds as libvosk.so, else where tools/get-vosk puts it. -1: ERROR_ENGINE; where none is
 * found the sentence names the command that gets it. */
int vosk_library_open(struct vosk_library *out, const char *path, struct error *err);
void vosk_library_close(struct vosk_library *l);

#endif
