/* SPDX-License-Identifier: GPL-2.0 */
/* Signals that end what lasts, and no more: what was seen is told, and what was made is put away. */
#ifndef DLSPARE_INTERRUPT_H
#define DLSPARE_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

/* From now on this signal is one of them. */
void interrupt_catch(int number);
/* Has one come? */
bool interrupt_came(void);

#endif
