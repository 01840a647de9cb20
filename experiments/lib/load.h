// The batch load of a guest (../ping/throughput.c), as who measures it sees it.

#ifndef LOAD_H
#define LOAD_H

#include <netinet/in.h>
#include <stdbool.h>

// A socket to the load's port, or -1 and errno. It waits up to 2 s for an answer.
int load_open(struct in_addr address, unsigned int port);

// Tells the load to do arithmetic ('a'), to walk through its working set ('w') or to go on as before ('?'), and asks how
// many loops it has made since it began. False and errno if no answer comes, EPROTO if it is no number.
bool load_ask(int fd, char command, unsigned long long *loops);

#endif
