/* files: which files a decoder may open, where the kernel can say so (Landlock, since 5.13): programs and libraries that are
 * installed, and itself. What it was given as descriptors it has in any case. stenopool-decoder. */
#ifndef DECODER_FILES_H
#define DECODER_FILES_H

struct error;

/* The program open as `fd`, whose path is `program`, may be read and executed, the libraries beside it too. By its descriptor,
 * as it may stand below a directory that only root may enter, and this process is no longer root's. Nothing happens where
 * the kernel cannot do it. */
int files_restrict(int fd, const char *program, struct error *err);

#endif
