/* page_files: the files of the page in the browser, put into the program when it is built: tools/embed writes page_files.c. */
#ifndef ACCESS_PAGE_FILES_H
#define ACCESS_PAGE_FILES_H

#include <stddef.h>

struct page_file {
	const char *path; /* "/page.css" */
	const char *etag; /* of its content, with the quotes */
	const unsigned char *bytes;
	size_t bytes_n;
};

extern const struct page_file page_files[];
extern const unsigned page_files_n;

#endif
