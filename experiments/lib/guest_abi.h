/* SPDX-License-Identifier: GPL-2.0 */
/* Inside of vmm.h and guest.h: what machine and guest agree on. For C and assembler. */
#ifndef EXPERIMENTS_GUEST_ABI_H
#define EXPERIMENTS_GUEST_ABI_H

#define GUEST_CODE_SEGMENT	0x08
#define GUEST_DATA_SEGMENT	0x10
#define GUEST_PAGE_TABLES	0x1000		/* three pages; address = physical address below 1 GiB */
#define GUEST_PROGRAM		0x10000		/* where it is, and is entered: rdi = the shared area */
#define GUEST_MEMORY		0x200000	/* bytes; the stack begins at their end, the shared area behind it */
#define GUEST_SHARED		GUEST_MEMORY

#define GUEST_DOORBELLS		4		/* in each direction */
#define GUEST_VECTOR		0x40		/* of doorbell in 0 */
#define GUEST_PORT		0x500		/* of doorbell out 0; one byte, whatever it is */
#define GUEST_EXIT_PORT		0x510		/* one byte: the status */

#endif
