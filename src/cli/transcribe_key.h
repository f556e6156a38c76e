/* transcribe_key: the key that a server with a keys_file asks for. It is never on the command line, where others of the
 * machine could read it. */
#ifndef CLI_TRANSCRIBE_KEY_H
#define CLI_TRANSCRIBE_KEY_H

struct error;

/* The request's header with the key, "Authorization: Bearer KEY\r\n", for the caller to free, or NULL in *header: there is none.
 * `path` is a file whose first line is the key; NULL: the key is `otherwise`, and NULL of that is none. -1: *err says what is
 * wrong with it. */
int transcribe_key_header(
    const char *path, const char *otherwise, char **header, struct error *err);

#endif
