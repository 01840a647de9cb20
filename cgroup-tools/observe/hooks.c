// SPDX-License-Identifier: GPL-2.0
#include "observe/hooks.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"

#define TYPES "/sys/kernel/btf/vmlinux"

static const struct hook known[NR_HOOKS] = {
	{ "kvm_vcpu_kick", HOOK_KICK, { "kick_begins", "kick_ends" }, false },
	{ "__kvm_vcpu_kick", HOOK_KICK, { "kick_or_wait_begins", "kick_or_wait_ends" }, false },
	{ "kvm_arch_set_irq_inatomic", HOOK_INJECTION, { "irqfd_begins", "irqfd_ends" }, false },
	{ "kvm_set_irq", HOOK_INJECTION, { "line_begins", "line_ends" }, false },
	{ "kvm_send_userspace_msi", HOOK_INJECTION, { "msi_begins", "msi_ends" }, false },
	{ "kvm_vcpu_wake_up", HOOK_WAKE, { "wakes", NULL }, false },
	{ "apic_timer_fn", HOOK_TIMER, { "timer_begins", "timer_ends" }, false },
	{ "vhost_add_used_and_signal_n", HOOK_DELIVERY, { "delivery_of_n_begins", "delivery_of_n_ends" }, false },
	{ "vhost_add_used_and_signal", HOOK_DELIVERY, { "delivery_begins", "delivery_ends" }, false },
	{ "ioeventfd_write", HOOK_REPLY, { NULL, "doorbell_rung" }, false },
	{ "kvm_vcpu_halt", HOOK_HALT, { "guest_halts", NULL }, false },
};

/* The modules that have them, where they are none of the kernel itself. */
static const char *const modules[] = { "kvm", "vhost" };

static const char *const lacks[NR_HOOK_KINDS] = {
	[HOOK_KICK] = "nothing that comes for a vCPU is seen",
	[HOOK_INJECTION] = "devices' interrupts cannot be told from others",
	[HOOK_WAKE] = "with APICv or AVIC nothing is seen",
	[HOOK_TIMER] = "timers are among the others",
	[HOOK_DELIVERY] = "what vhost has sent, and what it delivers without an interrupt, is not told",
	[HOOK_REPLY] = "a reply is not seen, only that the guest halts",
	[HOOK_HALT] = "a halt is not seen, only replies",
};

/* Those of one set of types. */
static void find_in(struct hooks *hooks, const struct btf *types)
{
	int i;

	for (i = 0; i < NR_HOOKS; i++)
		if (btf__find_by_name_kind(types, known[i].function, BTF_KIND_FUNC) > 0)
			hooks->list[i].there = true;
}

static int no_output(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

/* A vCPU is woken by kicks alone, whose ends are of no use then: each program costs. */
static void leave_out_wakes(struct hook *hook)
{
	if (hook->kind == HOOK_WAKE)
		hook->programs[0] = NULL;
	if (hook->kind == HOOK_KICK)
		hook->programs[1] = NULL;
}

int hooks_find(struct hooks *hooks, char error[RESULT_ERROR])
{
	struct btf *kernel, *module;
	size_t i;

	memcpy(hooks->list, known, sizeof(known));
	for (i = 0; i < NR_HOOKS && !hooks_posted(); i++)
		leave_out_wakes(&hooks->list[i]);
	/* What goes wrong is ours to tell. */
	libbpf_set_print(no_output);
	if (!host_exists(host_path(TYPES)))
		return result_refuse(error, MISSING, "no " TYPES ": the kernel needs CONFIG_DEBUG_INFO_BTF, as Debian's have it");
	kernel = btf__load_vmlinux_btf();
	if (!kernel)
		return result_refuse(error, MISSING, TYPES " cannot be read: the kernel needs CONFIG_DEBUG_INFO_BTF, as Debian's have it");
	find_in(hooks, kernel);
	for (i = 0; i < sizeof(modules) / sizeof(*modules); i++) {
		module = btf__load_module_btf(modules[i], kernel);
		if (!module)
			continue;
		find_in(hooks, module);
		btf__free(module);
	}
	btf__free(kernel);
	if (!hooks_lack(hooks, HOOK_KICK) && !hooks_lack(hooks, HOOK_INJECTION))
		return DONE;
	return result_refuse(error, MISSING, "the kernel has no kvm_vcpu_kick, or no types of it: modprobe kvm_intel or kvm_amd; a kernel "
			     "before 6.1 has other functions");
}

const char *hooks_lack(const struct hooks *hooks, enum hook_kind kind)
{
	int i;

	for (i = 0; i < NR_HOOKS; i++)
		if (hooks->list[i].there && hooks->list[i].kind == kind)
			return NULL;
	return lacks[kind];
}

char *hooks_used(const struct hooks *hooks)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	bool any = false;
	int i;

	if (!file)
		return NULL;
	for (i = 0; i < NR_HOOKS; i++) {
		if (!hooks->list[i].there || !(hooks->list[i].programs[0] || hooks->list[i].programs[1]))
			continue;
		fprintf(file, "%s%s", any ? ", " : "", hooks->list[i].function);
		any = true;
	}
	if (fclose(file)) {
		free(text);
		return NULL;
	}
	return text;
}

static bool is_on(const char *parameter)
{
	char *text = host_read(host_path("/sys/module/%s", parameter), NULL);
	bool on = text && (*text == 'Y' || *text == '1');

	free(text);
	return on;
}

const char *hooks_posted(void)
{
	if (is_on("kvm_intel/parameters/enable_apicv"))
		return "APICv";
	return is_on("kvm_amd/parameters/avic") ? "AVIC" : NULL;
}
