/* SPDX-License-Identifier: GPL-2.0 */
/* What the running kernel can do. */
#ifndef DLSPARE_KERNEL_H
#define DLSPARE_KERNEL_H

enum kernel_answer {
	KERNEL_NO,
	KERNEL_YES,
	KERNEL_UNKNOWN,
};

/* Does it have spare reservations (CONFIG_SCHED_SPARE)? After group_start(). */
enum kernel_answer kernel_spare(void);

#endif
