/* SPDX-License-Identifier: GPL-2.0 */
/* A guest program, for vmm_create(): -DGUEST_FILE='"FILE"', as build.sh makes it. */
	.section .rodata
	.globl	guest_program, guest_program_end
guest_program:
	.incbin	GUEST_FILE
guest_program_end:
	.section .note.GNU-stack, "", @progbits
