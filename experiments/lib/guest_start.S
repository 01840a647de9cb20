/* SPDX-License-Identifier: GPL-2.0 */
/* Where a guest begins, in 64-bit mode with its page tables and stack, and where its interrupts do. */
#include "guest_abi.h"

	.section .start, "ax"
	.globl	_start
_start:
	lgdt	gdt_pointer(%rip)
	mov	%rdi, %rbx
	call	guest_begin
	mov	%rbx, %rdi
	call	guest_main
	xor	%eax, %eax
	mov	$GUEST_EXIT_PORT, %edx
1:	outb	%al, %dx
	jmp	1b

	.text
	/* Sixteen bytes each, so that guest_begin() knows where they are. */
	.balign	16
	.globl	guest_entries
guest_entries:
	.set	number, 0
	.rept	GUEST_DOORBELLS
	.balign	16
	push	$number
	jmp	interrupt
	.set	number, number + 1
	.endr

	/* The processor aligns the stack and pushes five words, the entry one, we nine: a call needs one more. */
interrupt:
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	cld
	mov	72(%rsp), %rdi
	sub	$8, %rsp
	call	guest_interrupt
	add	$8, %rsp
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$8, %rsp
	iretq

	.data
	.balign	8
gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* GUEST_CODE_SEGMENT: 64 bit, executable */
	.quad	0x00cf93000000ffff	/* GUEST_DATA_SEGMENT: writable */
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.quad	gdt

	.section .note.GNU-stack, "", @progbits
