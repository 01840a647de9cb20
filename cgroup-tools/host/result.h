/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DLSPARE_RESULT_H
#define DLSPARE_RESULT_H

/* How something ended. The programs exit with it. */
enum result {
	DONE = 0,
	FAILED = 1,		/* the system refused something; the message has its words */
	WRONG_USAGE = 2,	/* unknown option or command, missing or unreadable argument */
	WRONG_POLICY = 3,	/* the configuration file breaks a rule; nothing was changed */
	NO_ROOM = 4,		/* admission: the sum does not fit; nothing was changed */
	NOT_FOUND = 5,		/* no such VM, pool or file */
	MISSING = 6,		/* kernel patches, a controller, debugfs, or the privilege is missing */
	DIFFERS = 7,		/* verify: the kernel is not as configured; doctor: something is wrong */
};

#define RESULT_ERROR 512

/* Says why in error. Returns result. */
int result_refuse(char error[RESULT_ERROR], int result, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
