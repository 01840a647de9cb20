/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dlspare-lender, the program beside this one, as a child: it runs as long as it has something to lend, and dies with the daemon. One
 * that ends by itself is started again, after a pause that grows until one runs for a minute; that is told once.
 */
#ifndef DLSPARE_LENDING_H
#define DLSPARE_LENDING_H

#include <stdbool.h>

/* Told why it does not run. */
typedef void lending_tell(const char *text);

/* Starts it if it is to run and does not, ends it if it runs and is not to. To be called after SIGCHLD, too. */
void lending_keep(bool wanted, lending_tell *tell);
/* What it is to lend may be another: it looks. */
void lending_reload(void);
/* So many ms from now it is to be started, but no more than `most`. */
int lending_pause_ms(int most);

#endif
