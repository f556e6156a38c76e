/* transcribe: `stenopool transcribe`: sends audio files or stdin to a server and prints the texts that come back. */
#ifndef CLI_TRANSCRIBE_H
#define CLI_TRANSCRIBE_H

/* argv[0] is the word "transcribe". The exit code: 0 all right, 1 something failed, 2 wrong usage. */
int transcribe_main(int argc, char **argv);

#endif
