/* http_answer: an answer as bytes on a connection. Loop thread. */
#ifndef NET_HTTP_ANSWER_H
#define NET_HTTP_ANSWER_H

#include <stdbool.h>

struct conn;
struct http_answer;

enum http_length {
	HTTP_LENGTH_TOLD,
	HTTP_LENGTH_CHUNKED,
	HTTP_LENGTH_UNTIL_END, /* of the connection */
};

struct http_answer_style {
	enum http_length length;
	bool keep_alive;     /* else Connection: close */
	const char *headers; /* more lines; NULL: none */
	bool no_body;        /* the answer to HEAD: the length is told, the body not sent */
};

void http_answer_write(struct conn *c, const struct http_answer *a, struct http_answer_style style);
/* Whether an answer with this status has no body whatever the request was. */
bool http_answer_is_bodiless(unsigned status);
/* The words of a status: "Not Found"; "Unknown" for one without. */
const char *http_answer_reason(unsigned status);

#endif
