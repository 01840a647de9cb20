// SPDX-License-Identifier: GPL-2.0
#include "command/interrupt.h"

static volatile sig_atomic_t came;

static void interrupt(int number)
{
	(void)number;
	came = 1;
}

void interrupt_catch(int number)
{
	struct sigaction action = { .sa_handler = interrupt };

	sigaction(number, &action, NULL);
}

bool interrupt_came(void)
{
	return came;
}
