/* serve: `stenopool serve`: the server. */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

/* argv[0] is the word "serve". The exit code: 0 all right, 1 something failed, 2 wrong usage. */
int serve_main(int argc, char **argv);

#endif
