/* address_tally: how many there are of each address: a hash table whose order nobody outside can guess. Any one thread. */
#ifndef NET_ADDRESS_TALLY_H
#define NET_ADDRESS_TALLY_H

#include "net/address_list.h"

struct address_tally;

struct address_tally *address_tally_new(void);
void address_tally_free(struct address_tally **t);
void address_tally_add(struct address_tally *t, const struct address_ip *ip);
void address_tally_remove(
    struct address_tally *t, const struct address_ip *ip); /* one that was added */
unsigned address_tally_count(const struct address_tally *t, const struct address_ip *ip);

#endif
