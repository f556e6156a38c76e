/* models_list: the catalogue, and what of it is here, on stdout. Command line. */
#ifndef CLI_MODELS_LIST_H
#define CLI_MODELS_LIST_H

void models_list_print(void);
void models_list_print_json(void);

#endif
