/* models_cmd: `stenopool models`: what can recognise speech on this machine, and getting more. Command line. */
#ifndef CLI_MODELS_CMD_H
#define CLI_MODELS_CMD_H

int models_cmd_main(int argc, char **argv); /* argv[0] is "models" */

#endif
