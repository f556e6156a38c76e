/* keys_cmd: `stenopool keys`: the file of those who are let in. Command line. */
#ifndef CLI_KEYS_CMD_H
#define CLI_KEYS_CMD_H

int keys_cmd_main(int argc, char **argv); /* argv[0] is "keys" */

#endif
