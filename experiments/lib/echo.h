// Echo requests to a guest and their replies.

#ifndef ECHO_H
#define ECHO_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// A raw ICMP socket to a guest; -1 and errno if there is none. Needs CAP_NET_RAW.
int echo_open(struct in_addr address);

// Sends the request number SEQ of this process; false and errno if it was not taken.
bool echo_send(int fd, uint16_t seq);

// The number of the request of this process that a received packet (IP header first) replies to; -1 if it is none.
int echo_seq(const uint8_t *packet, ssize_t size);

#endif
