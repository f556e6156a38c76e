/* page: the page at / and what it is made of, out of the program itself. Behind the routes; server process, loop thread
 * only; knows nothing of sessions. */
#ifndef ACCESS_PAGE_H
#define ACCESS_PAGE_H

#include <stddef.h>

struct http_answer;
struct http_exchange;

enum { PAGE_HEADERS_BYTES = 512 };

/* What is to be answered to GET `path`: 200; 304 without a body if `if_none_match`, which may be NULL, names the file as it
 * is; 404 without a body if there is no such file. `headers` is where its header lines are written, and lent to *out. */
void page_answer(const char *path, const char *if_none_match, char headers[PAGE_HEADERS_BYTES],
    struct http_answer *out);

/* Answers GET of one of the files' paths, / and /favicon.ico included; with `on` 0 all of them are 404. */
void page_get(struct http_exchange *x, unsigned on);

#endif
