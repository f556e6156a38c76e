/* files: which files a decoder may open, where the kernel can say so (Landlock, since 5.13): programs and libraries that are
 * installed, and itself. What it was given as descriptors it has in any case. stenopool-decoder. */
#ifndef DECODER_FILES_H
#define DECODER_FILES_H

struct error;

/* `program` may be read and executed, the libraries beside it too. Nothing happens where the kernel cannot do it. */
int files_restrict(const char *program, struct error *err);

#endif
