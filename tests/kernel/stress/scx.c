// SPDX-License-Identifier: GPL-2.0
/*
 * A BPF scheduler that has a name and no program: the kernel's own defaults do
 * what a program would. Enabling and disabling it takes all threads off their run
 * queues and puts them back, deadline threads too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "stress.h"

#define STATE "/sys/kernel/sched_ext/state"

static uint32_t value_type, value_size, name_at;	/* of struct bpf_struct_ops_sched_ext_ops */
static int map = -1;

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* How many bytes follow the head of a type. */
static size_t tail_of(const struct btf_type *type)
{
	uint32_t n = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return n * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return n * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return n * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return n * sizeof(struct btf_var_secinfo);
	}
	return 0;
}

/* Bytes from the start of a structure to one of its members. */
static uint32_t offset_of(const struct btf_type *type, const char *names, const char *member)
{
	const struct btf_member *members = (const void *)(type + 1);

	for (uint32_t i = 0; i < BTF_INFO_VLEN(type->info); i++)
		if (!strcmp(names + members[i].name_off, member))
			return (BTF_INFO_KFLAG(type->info) ? BTF_MEMBER_BIT_OFFSET(members[i].offset) :
							     members[i].offset) / 8;
	fail("a structure of the kernel lacks %s", member);
}

static void find_types(void)
{
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	const struct btf_header *head;
	uint32_t id = 1, data_at = 0;
	struct stat file;
	const char *names;
	char *btf, *at;

	if (fd < 0 || fstat(fd, &file))
		fail("no BTF: %s", strerror(errno));
	btf = malloc(file.st_size + 1);
	get("/sys/kernel/btf/vmlinux", btf, file.st_size + 1);
	head = (const void *)btf;
	names = btf + head->hdr_len + head->str_off;
	at = btf + head->hdr_len + head->type_off;
	for (char *end = at + head->type_len; at < end; id++) {
		const struct btf_type *type = (const void *)at;
		const char *name = names + type->name_off;

		at += sizeof(*type) + tail_of(type);
		if (BTF_INFO_KIND(type->info) != BTF_KIND_STRUCT)
			continue;
		if (!strcmp(name, "bpf_struct_ops_sched_ext_ops")) {
			value_type = id;
			value_size = type->size;
			data_at = offset_of(type, names, "data");
		} else if (!strcmp(name, "sched_ext_ops")) {
			name_at = offset_of(type, names, "name");
		}
	}
	if (!value_type || !name_at)
		fail("BTF without sched_ext_ops");
	name_at += data_at;
	free(btf);
	close(fd);
}

const char *scx_set_up(void)
{
	if (access(STATE, R_OK))
		return "no SCHED_CLASS_EXT";
	find_types();
	return NULL;
}

/*
 * A map with a type of the kernel must have a BTF of its program's as well, although
 * there is no program: one that has an int.
 */
static int load_btf(void)
{
	static const struct {
		struct btf_header head;
		struct btf_type type;
		uint32_t encoding;
		char names[5];
	} btf = {
		.head = {
			.magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(btf.head),
			.type_len = sizeof(btf.type) + sizeof(btf.encoding),
			.str_off = sizeof(btf.type) + sizeof(btf.encoding), .str_len = sizeof(btf.names),
		},
		.type = { .name_off = 1, .info = BTF_KIND_INT << 24, .size = 4 },
		.encoding = BTF_INT_SIGNED << 24 | 32,
		.names = "\0int",
	};
	union bpf_attr attr = {
		.btf = (uintptr_t)&btf,
		.btf_size = offsetof(typeof(btf), names) + sizeof(btf.names),
	};

	return bpf(BPF_BTF_LOAD, &attr);
}

static int scx_on(void)
{
	int btf = load_btf();
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_STRUCT_OPS, .key_size = 4, .value_size = value_size,
		.max_entries = 1, .map_name = "stress", .btf_fd = btf, .btf_vmlinux_value_type_id = value_type,
	};
	uint32_t key = 0;
	char *value;
	int err;

	if (btf < 0)
		return errno;
	map = bpf(BPF_MAP_CREATE, &attr);
	close(btf);
	if (map < 0)
		return errno;
	value = calloc(1, value_size);
	strcpy(value + name_at, "stress");
	attr = (union bpf_attr){
		.map_fd = map, .key = (uintptr_t)&key, .value = (uintptr_t)value,
	};
	err = bpf(BPF_MAP_UPDATE_ELEM, &attr) ? errno : 0;
	free(value);
	if (err) {
		close(map);
		map = -1;
	}
	return err;
}

static int scx_off(void)
{
	uint32_t key = 0;
	union bpf_attr attr = { .map_fd = map, .key = (uintptr_t)&key };
	int err = bpf(BPF_MAP_DELETE_ELEM, &attr) ? errno : 0;

	close(map);
	map = -1;
	return err;
}

int scx_switch(bool on)
{
	if (on == (map >= 0))
		return 0;
	return on ? scx_on() : scx_off();
}

void op_scx(void)
{
	bool on = map < 0;

	say("%d", on);
	outcome(scx_switch(on));
}
