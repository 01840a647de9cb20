// SPDX-License-Identifier: GPL-2.0
#include "policy.h"

#include <ctype.h>
#include <errno.h>
#include <libconfig.h>
#include <limits.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"

/* Bytes of a policy's text: some thousand VMs. */
#define TEXT_MAX (1 << 20)
#define POOL_NAME_MAX 64
#define VM_NAME_MAX 255
#define GROUP_MAX 1024
#define CHANCES_MAX INT_MAX

/* What the kernel's to_ratio() makes of sched_rt_runtime_us and sched_rt_period_us when nobody has set them: 95 %. */
#define RATIO_SHIFT 20
#define RATIO_MAX ((950000ull << RATIO_SHIFT) / 1000000)

#define TIME(ns) units_print((char[UNITS_TEXT]){ 0 }, ns)

#define DEVICES "\"any\", \"none\", or a list of names, such as ( \"tap0\", \"tap1\" )"

static const char *const io_names[] = {
	[IO_KEEP] = "keep",
	[IO_HOUSEKEEPING] = "housekeeping",
	[IO_DEADLINE] = "deadline",
};

static const char *const edf_names[] = {
	[EDF_PARTITIONED] = "partitioned",
	[EDF_GLOBAL] = "global",
};

/* Errors */

struct quoted {
	char text[80];
};

/* A value as errors show it: not so long that it leaves no room for the rule, and without control characters. */
static struct quoted quote(const char *value)
{
	struct quoted quoted;

	snprintf(quoted.text, sizeof(quoted.text), "'%.64s%s'", value, strlen(value) > 64 ? "..." : "");
	for (char *at = quoted.text; *at; at++)
		if (iscntrl((unsigned char)*at))
			*at = '?';
	return quoted;
}

/* Returns false. */
__attribute__((format(printf, 2, 3))) static bool refuse(struct policy_error *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return false;
}

/* Policies and their parts */

void policy_init(struct policy *policy)
{
	*policy = (struct policy){ .hrtick = true };
}

static void free_pool(struct pool_policy *pool)
{
	free(pool->name);
	free(pool->group);
}

static void free_vm(struct vm_policy *vm)
{
	free(vm->name);
	free(vm->pool);
	for (size_t i = 0; i < vm->nr_devices; i++)
		free(vm->devices[i]);
	free(vm->devices);
}

void policy_free(struct policy *policy)
{
	for (size_t i = 0; i < policy->nr_pools; i++)
		free_pool(&policy->pools[i]);
	for (size_t i = 0; i < policy->nr_vms; i++)
		free_vm(&policy->vms[i]);
	free(policy->pools);
	free(policy->vms);
	policy_init(policy);
}

struct pool_policy *policy_pool(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->nr_pools; i++)
		if (!strcmp(policy->pools[i].name, name))
			return &policy->pools[i];
	return NULL;
}

struct vm_policy *policy_vm(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->nr_vms; i++)
		if (!strcmp(policy->vms[i].name, name))
			return &policy->vms[i];
	return NULL;
}

struct pool_policy *policy_add_pool(struct policy *policy, const char *name)
{
	struct pool_policy *pools = realloc(policy->pools, (policy->nr_pools + 1) * sizeof(*pools)), *pool;

	if (!pools)
		return NULL;
	policy->pools = pools;
	pool = &pools[policy->nr_pools];
	*pool = (struct pool_policy){ .name = strdup(name) };
	if (!pool->name)
		return NULL;
	policy->nr_pools++;
	return pool;
}

struct vm_policy *policy_add_vm(struct policy *policy, const char *name)
{
	struct vm_policy *vms = realloc(policy->vms, (policy->nr_vms + 1) * sizeof(*vms)), *vm;

	if (!vms)
		return NULL;
	policy->vms = vms;
	vm = &vms[policy->nr_vms];
	*vm = (struct vm_policy){
		.name = strdup(name),
		.borrow = { .reply = true, .linger = 200 * NSEC_PER_USEC },
	};
	if (!vm->name)
		return NULL;
	policy->nr_vms++;
	return vm;
}

void policy_remove_pool(struct policy *policy, const char *name)
{
	struct pool_policy *pool = policy_pool(policy, name);

	if (!pool)
		return;
	free_pool(pool);
	policy->nr_pools--;
	memmove(pool, pool + 1, (policy->pools + policy->nr_pools - pool) * sizeof(*pool));
}

void policy_remove_vm(struct policy *policy, const char *name)
{
	struct vm_policy *vm = policy_vm(policy, name);

	if (!vm)
		return;
	free_vm(vm);
	policy->nr_vms--;
	memmove(vm, vm + 1, (policy->vms + policy->nr_vms - vm) * sizeof(*vm));
}

static bool add_device(struct vm_policy *vm, const char *name)
{
	char **devices = realloc(vm->devices, (vm->nr_devices + 1) * sizeof(*devices));

	if (!devices)
		return false;
	vm->devices = devices;
	devices[vm->nr_devices] = strdup(name);
	if (!devices[vm->nr_devices])
		return false;
	vm->nr_devices++;
	return true;
}

static bool copy_vm(struct policy *to, const struct vm_policy *from)
{
	struct vm_policy *vm = policy_add_vm(to, from->name);
	char *name;

	if (!vm)
		return false;
	name = vm->name;
	*vm = *from;
	vm->name = name;
	vm->pool = NULL;
	vm->devices = NULL;
	vm->nr_devices = 0;
	if (from->pool) {
		vm->pool = strdup(from->pool);
		if (!vm->pool)
			return false;
	}
	for (size_t i = 0; i < from->nr_devices; i++)
		if (!add_device(vm, from->devices[i]))
			return false;
	return true;
}

bool policy_merge(struct policy *to, const struct policy *from)
{
	size_t nr_vms = to->nr_vms;

	for (size_t i = 0; i < from->nr_vms; i++) {
		if (policy_vm(to, from->vms[i].name) || copy_vm(to, &from->vms[i]))
			continue;
		while (to->nr_vms > nr_vms)
			free_vm(&to->vms[--to->nr_vms]);
		return false;
	}
	return true;
}

static bool copy_pool(struct policy *to, const struct pool_policy *from)
{
	struct pool_policy *pool = policy_add_pool(to, from->name);
	char *name;

	if (!pool)
		return false;
	name = pool->name;
	*pool = *from;
	pool->name = name;
	pool->group = from->group ? strdup(from->group) : NULL;
	return !from->group || pool->group;
}

bool policy_copy(struct policy *to, const struct policy *from)
{
	policy_init(to);
	to->hrtick = from->hrtick;
	for (size_t i = 0; i < from->nr_pools; i++)
		if (!copy_pool(to, &from->pools[i]))
			goto fail;
	if (policy_merge(to, from))
		return true;
fail:
	policy_free(to);
	return false;
}

/* What is said in the kernel's words */

/* Without the slashes around it; "" when nothing else is there. */
static char *strip_slashes(const char *group)
{
	size_t length;

	group += strspn(group, "/");
	for (length = strlen(group); length && group[length - 1] == '/'; length--)
		;
	return strndup(group, length);
}

char *policy_group(const struct pool_policy *pool)
{
	char *group;

	if (pool->group)
		return strip_slashes(pool->group);
	return asprintf(&group, "dlspare.slice/%s", pool->name) < 0 ? NULL : group;
}

char *policy_cpus_group(const struct pool_policy *pool, int cpu)
{
	char number[16] = "s", *group;

	if (cpu >= 0)
		snprintf(number, sizeof(number), "%d", cpu);
	return asprintf(&group, "dlspare.slice/%s/cpu%s", pool->name, number) < 0 ? NULL : group;
}

bool policy_edf(enum edf *edf, const char *text)
{
	enum edf found;

	for (found = EDF_PARTITIONED; found <= EDF_GLOBAL && strcmp(text, edf_names[found]); found++)
		;
	if (found > EDF_GLOBAL)
		return false;
	*edf = found;
	return true;
}

bool policy_partitioned(const struct pool_policy *pool)
{
	return pool->exclusive && !pool->group && pool->edf != EDF_GLOBAL;
}

char *policy_pool_text(const struct pool_policy *pool)
{
	const struct reservation *spare = &pool->spare;
	bool all = cpus_empty(&pool->cpus);
	char *text = NULL, *cpus;

	if (!spare->period)
		return strdup("none");
	cpus = cpus_print(&pool->cpus);
	if (cpus && asprintf(&text, "%llu %llu units=%u%s%s", spare->runtime / NSEC_PER_USEC,
			     spare->period / NSEC_PER_USEC, pool->units, all ? "" : " cpus=", cpus) < 0)
		text = NULL;
	free(cpus);
	return text;
}

char *policy_borrow_text(const struct borrow_policy *borrow)
{
	char chances[16] = "max", *text;

	if (!borrow->on)
		return strdup("off");
	if (borrow->chances)
		snprintf(chances, sizeof(chances), "%u", borrow->chances);
	return asprintf(&text, "on chances=%s charge=%d reply=%d linger=%llu timer=%d", chances, borrow->charge,
			borrow->reply, borrow->linger / NSEC_PER_USEC, borrow->timer) < 0 ? NULL : text;
}

/* Rules. Each error begins with what has broken the rule: owner, such as "pool 'gold'". */

static bool check_reservation(const struct reservation *reservation, const char *owner, struct policy_error *error)
{
	uint64_t runtime = reservation->runtime, period = reservation->period;

	if (!period)
		return refuse(error, "%s: runtime %s needs a period", owner, TIME(runtime));
	if (!runtime)
		return refuse(error, "%s: period %s needs a runtime", owner, TIME(period));
	if (runtime < POLICY_RUNTIME_MIN)
		return refuse(error, "%s: runtime %s is less than %s, the kernel's least", owner, TIME(runtime),
			      TIME(POLICY_RUNTIME_MIN));
	if (period < POLICY_PERIOD_MIN || period > POLICY_PERIOD_MAX)
		return refuse(error, "%s: period %s is not in %s..%s", owner, TIME(period), TIME(POLICY_PERIOD_MIN),
			      TIME(POLICY_PERIOD_MAX));
	if (runtime > period)
		return refuse(error, "%s: runtime %s is longer than its period %s", owner, TIME(runtime), TIME(period));
	return true;
}

static bool is_none(const struct reservation *reservation)
{
	return !reservation->runtime && !reservation->period;
}

/* A name with a dot could be that of a file in its group, such as cpu.max. */
static bool check_pool_name(const char *name, struct policy_error *error)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t length = strlen(name);

	if (!length || length > POOL_NAME_MAX || name[strspn(name, allowed)] || *name == '-')
		return refuse(error, "pool %s: a pool's name is 1 to %d of the characters A-Z a-z 0-9 _ - and does not "
			      "begin with -", quote(name).text, POOL_NAME_MAX);
	return true;
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			return true;
	return false;
}

/* No folder can have such a name: '', '.' and '..'. */
static bool is_dots(const char *name, size_t length)
{
	return length <= 2 && !strncmp(name, "..", length);
}

static bool check_vm_name(const char *name, struct policy_error *error)
{
	size_t length = strlen(name);

	if (!length || length > VM_NAME_MAX || strchr(name, '/') || has_control(name) || is_dots(name, length))
		return refuse(error, "VM %s: a VM's name is 1 to %d bytes without '/' and control characters, and is "
			      "neither '.' nor '..'", quote(name).text, VM_NAME_MAX);
	return true;
}

static bool check_group(const char *group, const char *owner, struct policy_error *error)
{
	bool good = strlen(group) <= GROUP_MAX && !has_control(group);
	const char *at = group + strspn(group, "/");
	size_t component;

	if (!*at)
		return refuse(error, "%s: group %s: the root group cannot have a pool", owner, quote(group).text);
	for (; good; at += component + 1) {
		component = strcspn(at, "/");
		good = !is_dots(at, component);
		if (!at[component + strspn(at + component, "/")])
			break;
	}
	if (!good)
		return refuse(error, "%s: group %s: a group is a path below the cgroup mount, at most %d bytes,"
			      " without control characters and the components '', '.' and '..'", owner,
			      quote(group).text, GROUP_MAX);
	return true;
}

/* Two pools cannot be one group. */
static bool check_groups_differ(const struct pool_policy *a, const struct pool_policy *b, const char *owner,
				struct policy_error *error)
{
	char *group = NULL, *other = NULL;
	bool good = true;

	/* Their names differ, and so do their groups. */
	if (!a->group && !b->group)
		return true;
	group = policy_group(a);
	other = policy_group(b);
	if (!group || !other)
		good = refuse(error, "%s: %s", owner, strerror(ENOMEM));
	else if (!strcmp(group, other))
		good = refuse(error, "%s: group %s is that of pool '%s' too", owner, quote(group).text, b->name);
	free(group);
	free(other);
	return good;
}

/* On each CPU the pools may offer what the kernel admits; load has what those before this one do. */
static bool add_load(const struct pool_policy *pool, uint64_t load[CPUS_MAX], const char *owner,
		     struct policy_error *error)
{
	bool all = cpus_empty(&pool->cpus);
	uint64_t ratio;

	if (is_none(&pool->spare))
		return true;
	ratio = pool->units * ((pool->spare.runtime << RATIO_SHIFT) / pool->spare.period);
	for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (!all && !cpus_has(&pool->cpus, cpu))
			continue;
		load[cpu] += ratio;
		if (load[cpu] > RATIO_MAX)
			return refuse(error, "%s: with it the pools offer %.2f %% of CPU %d; at most 95 %% are allowed",
				      owner, load[cpu] * 100.0 / (1 << RATIO_SHIFT), cpu);
	}
	return true;
}

/* Against itself and those before it, which have passed. */
static bool check_pool(const struct policy *policy, size_t index, uint64_t load[CPUS_MAX], struct policy_error *error)
{
	const struct pool_policy *pool = &policy->pools[index], *other;
	const struct reservation *spare = &pool->spare;
	char owner[96];

	if (!check_pool_name(pool->name, error))
		return false;
	snprintf(owner, sizeof(owner), "pool %s", quote(pool->name).text);

	if (is_none(spare)) {
		if (pool->units)
			return refuse(error, "%s: units %u need a runtime and a period", owner, pool->units);
	} else {
		if (!check_reservation(spare, owner, error))
			return false;
		if (spare->runtime % NSEC_PER_USEC || spare->period % NSEC_PER_USEC)
			return refuse(error, "%s: runtime %s and period %s must be whole microseconds, the unit of "
				      "cpu.spare.pool", owner, TIME(spare->runtime), TIME(spare->period));
		if (!pool->units || pool->units > POLICY_UNITS_MAX)
			return refuse(error, "%s: units %u are not in 1..%d", owner, pool->units, POLICY_UNITS_MAX);
	}
	if (pool->exclusive && cpus_empty(&pool->cpus))
		return refuse(error, "%s: an exclusive pool needs cpus", owner);
	if (pool->group && !check_group(pool->group, owner, error))
		return false;
	if (pool->edf == EDF_PARTITIONED && !pool->exclusive)
		return refuse(error, "%s: edf 'partitioned' needs exclusive CPUs", owner);
	if (pool->edf == EDF_PARTITIONED && pool->group)
		return refuse(error, "%s: edf 'partitioned' needs a group for each CPU, and those below %s are not dlspare's",
			      owner, quote(pool->group).text);

	for (other = policy->pools; other < pool; other++) {
		if (!strcmp(other->name, pool->name))
			return refuse(error, "%s: the name is given twice", owner);
		if (pool->exclusive && other->exclusive && cpus_overlap(&pool->cpus, &other->cpus))
			return refuse(error, "%s: it has CPUs of pool '%s', and both are exclusive", owner,
				      other->name);
		if (!check_groups_differ(pool, other, owner, error))
			return false;
	}
	return add_load(pool, load, owner, error);
}

static bool check_borrow(const struct borrow_policy *borrow, const char *owner, struct policy_error *error)
{
	if (borrow->chances > CHANCES_MAX)
		return refuse(error, "%s: chances %u are more than %d", owner, borrow->chances, CHANCES_MAX);
	if (borrow->linger % NSEC_PER_USEC || borrow->linger > POLICY_LINGER_MAX)
		return refuse(error, "%s: linger %s is no whole number of microseconds in 0s..%s", owner,
			      TIME(borrow->linger), TIME(POLICY_LINGER_MAX));
	return true;
}

static bool check_io(const struct io_policy *io, const char *owner, struct policy_error *error)
{
	char what[128];

	if (io->kind != IO_HOUSEKEEPING && !cpus_empty(&io->cpus))
		return refuse(error, "%s: io has cpus, which only the policy 'housekeeping' has", owner);
	if (io->kind != IO_DEADLINE && !is_none(&io->reservation))
		return refuse(error, "%s: io has a runtime or a period, which only the policy 'deadline' has", owner);
	if (io->kind != IO_DEADLINE)
		return true;
	if (is_none(&io->reservation))
		return refuse(error, "%s: the io policy 'deadline' needs a runtime and a period", owner);
	snprintf(what, sizeof(what), "%s: io", owner);
	return check_reservation(&io->reservation, what, error);
}

/* As dev_valid_name() in the kernel's net/core/dev.c. */
static bool check_device(const char *name, const char *owner, struct policy_error *error)
{
	size_t length = strlen(name);

	if (!length || length >= IFNAMSIZ || name[strcspn(name, "/: \t\n\v\f\r")] || is_dots(name, length))
		return refuse(error, "%s: device %s: a device's name is 1 to %d bytes without '/', ':' and white space,"
			      " and is neither '.' nor '..'", owner, quote(name).text, IFNAMSIZ - 1);
	return true;
}

static bool check_devices(const struct vm_policy *vm, const char *owner, struct policy_error *error)
{
	if (vm->any_device && vm->nr_devices)
		return refuse(error, "%s: its devices are 'any' or a list of names, not both", owner);
	if ((vm->any_device || vm->nr_devices) && !vm->pool)
		return refuse(error, "%s: devices need a pool to borrow from", owner);
	for (size_t i = 0; i < vm->nr_devices; i++) {
		if (!check_device(vm->devices[i], owner, error))
			return false;
		for (size_t j = 0; j < i; j++)
			if (!strcmp(vm->devices[i], vm->devices[j]))
				return refuse(error, "%s: device %s is given twice", owner, quote(vm->devices[i]).text);
	}
	return true;
}

/* Against itself, the pools, and the VMs before it. */
static bool check_vm(const struct policy *policy, size_t index, struct policy_error *error)
{
	const struct vm_policy *vm = &policy->vms[index], *other;
	char owner[96];

	if (!check_vm_name(vm->name, error))
		return false;
	snprintf(owner, sizeof(owner), "VM %s", quote(vm->name).text);

	for (other = policy->vms; other < vm; other++)
		if (!strcmp(other->name, vm->name))
			return refuse(error, "%s: the name is given twice", owner);
	if (!is_none(&vm->reservation) && !check_reservation(&vm->reservation, owner, error))
		return false;
	if (vm->pool && !policy_pool(policy, vm->pool))
		return refuse(error, "%s: there is no pool %s", owner, quote(vm->pool).text);
	if (vm->borrow.on && !vm->pool)
		return refuse(error, "%s: borrow needs a pool", owner);
	if (!check_borrow(&vm->borrow, owner, error) || !check_io(&vm->io, owner, error) ||
	    !check_devices(vm, owner, error))
		return false;
	if (is_none(&vm->reservation) && !vm->pool && vm->io.kind == IO_KEEP)
		return refuse(error, "%s: it needs one of runtime and period, pool, and io", owner);
	return true;
}

bool policy_check(const struct policy *policy, struct policy_error *error)
{
	uint64_t load[CPUS_MAX] = { 0 };

	for (size_t i = 0; i < policy->nr_pools; i++)
		if (!check_pool(policy, i, load, error))
			return false;
	for (size_t i = 0; i < policy->nr_vms; i++)
		if (!check_vm(policy, i, error))
			return false;
	return true;
}

/* Reading. What is not given leaves its default. */

struct reader {
	const char *name;
	struct policy_error *error;
};

/* Returns false. */
__attribute__((format(printf, 3, 4))) static bool refuse_at(const struct reader *reader, unsigned int line,
							     const char *format, ...)
{
	char text[sizeof(reader->error->text)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	/* A name no longer than leaves room for the text. */
	return refuse(reader->error, "%.160s:%u: %.330s", reader->name, line, text);
}

static unsigned int line_of(const config_setting_t *group, const char *key)
{
	return config_setting_source_line(config_setting_get_member(group, key));
}

static const char *type_name(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP:
		return "a group { }";
	case CONFIG_TYPE_LIST:
		return "a list ( )";
	case CONFIG_TYPE_ARRAY:
		return "an array [ ]";
	case CONFIG_TYPE_STRING:
		return "a text";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	case CONFIG_TYPE_FLOAT:
		return "a number with a fraction";
	case CONFIG_TYPE_INT64:
		return "a number with an L";
	default:
		return "a number";
	}
}

/* The member, NULL when there is none; false when it has another type. wanted: as type_name(), with an example. */
static bool read_member(const struct reader *reader, const config_setting_t *group, const char *key, int type,
			const char *wanted, const config_setting_t **member)
{
	*member = config_setting_get_member(group, key);
	if (*member && config_setting_type(*member) != type)
		return refuse_at(reader, line_of(group, key), "%s is %s; it must be %s", key, type_name(*member),
				 wanted);
	return true;
}

/* words: all that are known, with blanks between them. */
static bool is_word(const char *words, const char *word)
{
	size_t length = strlen(word);

	for (size_t next; *words; words += next + (words[next] == ' ')) {
		next = strcspn(words, " ");
		if (next == length && !strncmp(words, word, length))
			return true;
	}
	return false;
}

static bool read_keys(const struct reader *reader, const config_setting_t *group, const char *where, const char *keys)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *member = config_setting_get_elem(group, i);
		const char *key = config_setting_name(member);

		if (!is_word(keys, key))
			return refuse_at(reader, config_setting_source_line(member),
					 "%s: %s has no such key; it has: %s", quote(key).text, where, keys);
	}
	return true;
}

static bool read_text(const struct reader *reader, const config_setting_t *group, const char *key, const char *example,
		      const char **text)
{
	const config_setting_t *member;
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "a text, such as \"%s\"", example);
	if (!read_member(reader, group, key, CONFIG_TYPE_STRING, wanted, &member))
		return false;
	if (member)
		*text = config_setting_get_string(member);
	return true;
}

static bool read_bool(const struct reader *reader, const config_setting_t *group, const char *key, bool *value)
{
	const config_setting_t *member;

	if (!read_member(reader, group, key, CONFIG_TYPE_BOOL, "true or false", &member))
		return false;
	if (member)
		*value = config_setting_get_bool(member);
	return true;
}

static bool read_number(const struct reader *reader, const config_setting_t *group, const char *key, unsigned int low,
			unsigned int high, unsigned int *number)
{
	const config_setting_t *member;
	int value;

	if (!read_member(reader, group, key, CONFIG_TYPE_INT, "a whole number", &member))
		return false;
	if (!member)
		return true;
	value = config_setting_get_int(member);
	if (value < 0 || (unsigned int)value < low || (unsigned int)value > high)
		return refuse_at(reader, line_of(group, key), "%s %d is not in %u..%u", key, value, low, high);
	*number = value;
	return true;
}

static bool read_time(const struct reader *reader, const config_setting_t *group, const char *key, uint64_t *ns)
{
	const char *text = NULL, *rule;

	if (!read_text(reader, group, key, "4ms", &text))
		return false;
	if (text && !units_parse(ns, text, &rule))
		return refuse_at(reader, line_of(group, key), "%s %s: %s", key, quote(text).text, rule);
	return true;
}

static bool read_cpus(const struct reader *reader, const config_setting_t *group, const char *key, struct cpus *cpus)
{
	const char *text = NULL, *rule;

	if (!read_text(reader, group, key, "0-3,8", &text))
		return false;
	if (text && !cpus_parse(cpus, text, &rule))
		return refuse_at(reader, line_of(group, key), "%s %s: %s", key, quote(text).text, rule);
	return true;
}

/* A time of 0 would say the same as none. */
static bool read_reservation(const struct reader *reader, const config_setting_t *group,
			     struct reservation *reservation)
{
	const char *const keys[] = { "runtime", "period" };
	uint64_t *const times[] = { &reservation->runtime, &reservation->period };

	for (int i = 0; i < 2; i++) {
		if (!read_time(reader, group, keys[i], times[i]))
			return false;
		if (config_setting_get_member(group, keys[i]) && !*times[i])
			return refuse_at(reader, line_of(group, keys[i]), "%s 0s is too short; without a reservation"
					 " leave both runtime and period out", keys[i]);
	}
	return true;
}

static bool read_borrow(const struct reader *reader, const config_setting_t *vm, struct borrow_policy *borrow)
{
	const config_setting_t *group, *chances;

	if (!read_member(reader, vm, "borrow", CONFIG_TYPE_GROUP, "a group, such as { chances = 2; }", &group))
		return false;
	if (!group)
		return true;
	if (!config_setting_get_member(vm, "pool"))
		return refuse_at(reader, line_of(vm, "borrow"), "borrow needs a pool");
	chances = config_setting_get_member(group, "chances");
	if (chances && config_setting_type(chances) == CONFIG_TYPE_STRING) {
		const char *text = config_setting_get_string(chances);

		if (strcmp(text, "max"))
			return refuse_at(reader, line_of(group, "chances"),
					 "chances %s: it must be a number or \"max\"", quote(text).text);
	} else if (!read_number(reader, group, "chances", 1, CHANCES_MAX, &borrow->chances)) {
		return false;
	}
	return read_keys(reader, group, "borrow", "on chances charge reply linger timer") &&
	       read_bool(reader, group, "on", &borrow->on) && read_bool(reader, group, "charge", &borrow->charge) &&
	       read_bool(reader, group, "reply", &borrow->reply) && read_time(reader, group, "linger", &borrow->linger) &&
	       read_bool(reader, group, "timer", &borrow->timer);
}

static bool read_io(const struct reader *reader, const config_setting_t *vm, struct io_policy *io)
{
	const char *policy = NULL;
	const config_setting_t *group;
	size_t kind;

	if (!read_member(reader, vm, "io", CONFIG_TYPE_GROUP, "a group, such as { policy = \"housekeeping\"; }",
			 &group))
		return false;
	if (!group)
		return true;
	if (!read_keys(reader, group, "io", "policy cpus runtime period") ||
	    !read_text(reader, group, "policy", "housekeeping", &policy))
		return false;
	if (!policy)
		return refuse_at(reader, line_of(vm, "io"), "io needs a policy, such as \"housekeeping\"");
	for (kind = IO_KEEP; kind <= IO_DEADLINE && strcmp(policy, io_names[kind]); kind++)
		;
	if (kind > IO_DEADLINE)
		return refuse_at(reader, line_of(group, "policy"),
				 "policy %s: it must be one of keep, housekeeping, deadline", quote(policy).text);
	io->kind = kind;
	return read_cpus(reader, group, "cpus", &io->cpus) && read_reservation(reader, group, &io->reservation);
}

static bool read_devices(const struct reader *reader, const config_setting_t *group, struct vm_policy *vm)
{
	const config_setting_t *devices = config_setting_get_member(group, "devices"), *device;
	const char *text;

	if (!devices)
		return true;
	if (config_setting_type(devices) == CONFIG_TYPE_STRING) {
		text = config_setting_get_string(devices);
		vm->any_device = !strcmp(text, "any");
		if (!vm->any_device && strcmp(text, "none"))
			return refuse_at(reader, line_of(group, "devices"), "devices %s: it must be " DEVICES,
					 quote(text).text);
		return true;
	}
	if (config_setting_type(devices) != CONFIG_TYPE_LIST && config_setting_type(devices) != CONFIG_TYPE_ARRAY)
		return refuse_at(reader, line_of(group, "devices"), "devices is %s; it must be " DEVICES,
				 type_name(devices));
	for (int i = 0; i < config_setting_length(devices); i++) {
		device = config_setting_get_elem(devices, i);
		if (config_setting_type(device) != CONFIG_TYPE_STRING)
			return refuse_at(reader, config_setting_source_line(device),
					 "a device is %s; it must be a text, such as \"tap0\"", type_name(device));
		if (!add_device(vm, config_setting_get_string(device)))
			return refuse_at(reader, config_setting_source_line(device), "%s", strerror(ENOMEM));
	}
	return true;
}

static bool read_edf(const struct reader *reader, const config_setting_t *group, enum edf *edf)
{
	const char *text = NULL;

	if (!read_text(reader, group, "edf", "global", &text))
		return false;
	if (text && !policy_edf(edf, text))
		return refuse_at(reader, line_of(group, "edf"), "edf %s: it must be partitioned or global", quote(text).text);
	return true;
}

static bool read_pool(const struct reader *reader, const config_setting_t *group, struct policy *policy)
{
	const char *name = NULL, *path = NULL;
	struct pool_policy *pool;

	if (!read_keys(reader, group, "a pool", "name runtime period units cpus exclusive edf group") ||
	    !read_text(reader, group, "name", "gold", &name) ||
	    !read_text(reader, group, "group", "machine-gold.slice", &path))
		return false;
	if (!name)
		return refuse_at(reader, config_setting_source_line(group), "a pool needs a name");
	pool = policy_add_pool(policy, name);
	if (pool && path)
		pool->group = strip_slashes(path);
	if (!pool || (path && !pool->group))
		return refuse_at(reader, config_setting_source_line(group), "%s", strerror(ENOMEM));
	if (!read_reservation(reader, group, &pool->spare))
		return false;
	pool->units = !is_none(&pool->spare);
	return read_number(reader, group, "units", 0, POLICY_UNITS_MAX, &pool->units) &&
	       read_cpus(reader, group, "cpus", &pool->cpus) &&
	       read_bool(reader, group, "exclusive", &pool->exclusive) && read_edf(reader, group, &pool->edf);
}

static bool read_vm(const struct reader *reader, const config_setting_t *group, struct policy *policy)
{
	const char *name = NULL, *pool = NULL;
	struct vm_policy *vm;

	if (!read_keys(reader, group, "a VM", "name runtime period vcpus pool borrow io devices") ||
	    !read_text(reader, group, "name", "web", &name) || !read_text(reader, group, "pool", "gold", &pool))
		return false;
	if (!name)
		return refuse_at(reader, config_setting_source_line(group), "a VM needs a name");
	vm = policy_add_vm(policy, name);
	if (vm && pool)
		vm->pool = strdup(pool);
	if (!vm || (pool && !vm->pool))
		return refuse_at(reader, config_setting_source_line(group), "%s", strerror(ENOMEM));
	vm->borrow.on = pool;
	return read_reservation(reader, group, &vm->reservation) && read_cpus(reader, group, "vcpus", &vm->vcpus) &&
	       read_borrow(reader, group, &vm->borrow) && read_io(reader, group, &vm->io) &&
	       read_devices(reader, group, vm);
}

/* One of `pools` and `vms`; an absent list is an empty one. */
static bool read_list(const struct reader *reader, const config_setting_t *root, const char *key,
		      const config_setting_t **list)
{
	if (!read_member(reader, root, key, CONFIG_TYPE_LIST,
			 "a list, such as ( { name = \"a\"; }, { name = \"b\"; } )", list))
		return false;
	for (int i = 0; *list && i < config_setting_length(*list); i++) {
		const config_setting_t *entry = config_setting_get_elem(*list, i);

		if (config_setting_type(entry) != CONFIG_TYPE_GROUP)
			return refuse_at(reader, config_setting_source_line(entry),
					 "an entry of %s is %s; it must be a group, such as { name = \"a\"; }", key,
					 type_name(entry));
	}
	return true;
}

static bool read_vms(const struct reader *reader, const config_setting_t *vms, struct policy *policy)
{
	const config_setting_t *entry;
	struct policy_error broken;

	for (int i = 0; vms && i < config_setting_length(vms); i++) {
		entry = config_setting_get_elem(vms, i);
		if (!read_vm(reader, entry, policy))
			return false;
		if (!check_vm(policy, i, &broken))
			return refuse_at(reader, config_setting_source_line(entry), "%s", broken.text);
	}
	return true;
}

static bool read_more(const struct reader *reader, const config_setting_t *root, struct policy *policy)
{
	const config_setting_t *vms;

	return read_keys(reader, root, "a policy of VMs", "vms") && read_list(reader, root, "vms", &vms) &&
	       read_vms(reader, vms, policy);
}

static bool read_root(const struct reader *reader, const config_setting_t *root, struct policy *policy)
{
	const config_setting_t *pools, *vms, *entry;
	uint64_t load[CPUS_MAX] = { 0 };
	struct policy_error broken;

	if (!read_keys(reader, root, "a policy", "hrtick pools vms") ||
	    !read_bool(reader, root, "hrtick", &policy->hrtick) || !read_list(reader, root, "pools", &pools) ||
	    !read_list(reader, root, "vms", &vms))
		return false;
	for (int i = 0; pools && i < config_setting_length(pools); i++) {
		entry = config_setting_get_elem(pools, i);
		if (!read_pool(reader, entry, policy))
			return false;
		if (!check_pool(policy, i, load, &broken))
			return refuse_at(reader, config_setting_source_line(entry), "%s", broken.text);
	}
	return read_vms(reader, vms, policy);
}

/*
 * The rest is about what libconfig 1.5 takes without a word. First, @include, which begins a line and reads any
 * file, whoever the text is from. In a comment it is refused too: so nothing depends on where a comment ends.
 */
static bool check_includes(const struct reader *reader, const char *text)
{
	unsigned int line = 1;

	for (const char *at = text; at; at = strchr(at, '\n'), line++) {
		at += *at == '\n';
		if (!strncmp(at + strspn(at, " \t"), "@include", 8))
			return refuse_at(reader, line, "@include is not allowed in a policy");
	}
	return true;
}

static unsigned int line_at(const char *text, const char *at)
{
	unsigned int line = 1;

	while (text < at)
		line += *text++ == '\n';
	return line;
}

/*
 * Then \x00 in a text, which is lost, and the upper bits of numbers above INT_MAX, too: 4294967297 would be 1.
 * A comment without end swallows the rest, and a text without end is never freed.
 */
static bool check_tokens(const struct reader *reader, const char *text)
{
	static const char name[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-*";
	unsigned long long number;
	const char *end;

	for (const char *at = text; *at; at = end) {
		end = at + 1;
		if (*at == '#' || !strncmp(at, "//", 2)) {
			end = strchrnul(at, '\n');
		} else if (!strncmp(at, "/*", 2)) {
			end = strstr(at + 2, "*/");
			if (!end)
				return refuse_at(reader, line_at(text, at), "the comment that begins here has no end");
			end += 2;
		} else if (*at == '"') {
			for (; *end && *end != '"'; end++) {
				if (!strncasecmp(end, "\\x00", 4))
					return refuse_at(reader, line_at(text, end),
							 "\\x00: a text cannot have a NUL byte");
				end += !strncmp(end, "\\\\", 2) || !strncmp(end, "\\\"", 2);
			}
			if (!*end)
				return refuse_at(reader, line_at(text, at),
						 "the text that begins here has no closing quote");
			end++;
		} else if (isalpha((unsigned char)*at) || *at == '*') {
			end = at + strspn(at, name);
		} else if (isdigit((unsigned char)*at)) {
			errno = 0;
			number = strtoull(at, (char **)&end, strncasecmp(at, "0x", 2) ? 10 : 16);
			if (number > INT_MAX || errno)
				return refuse_at(reader, line_at(text, at), "%.*s: a number is at most %d",
						 (int)(end - at < 40 ? end - at : 40), at, INT_MAX);
		}
	}
	return true;
}

typedef bool read_function(const struct reader *reader, const config_setting_t *root, struct policy *policy);

static bool parse(struct policy *policy, const char *text, const struct reader *reader, read_function *read)
{
	config_t config;
	bool good;

	if (strnlen(text, TEXT_MAX + 1) > TEXT_MAX)
		return refuse(reader->error, "%.160s: a policy is at most %d bytes long", reader->name, TEXT_MAX);
	if (!check_includes(reader, text) || !check_tokens(reader, text))
		return false;
	config_init(&config);
	if (config_read_string(&config, text))
		good = read(reader, config_root_setting(&config), policy);
	else
		good = refuse_at(reader, config_error_line(&config), "%s", config_error_text(&config));
	config_destroy(&config);
	return good;
}

bool policy_parse(struct policy *policy, const char *text, const char *name, struct policy_error *error)
{
	const struct reader reader = { .name = name, .error = error };

	policy_init(policy);
	if (parse(policy, text, &reader, read_root))
		return true;
	policy_free(policy);
	return false;
}

bool policy_parse_more(struct policy *policy, const char *text, const char *name, struct policy_error *error)
{
	const struct reader reader = { .name = name, .error = error };
	/* Its VMs refer to the pools that are there. */
	struct policy more = { .pools = policy->pools, .nr_pools = policy->nr_pools };
	bool good = parse(&more, text, &reader, read_more);

	if (good && !policy_merge(policy, &more))
		good = refuse(error, "%.160s: out of memory", name);
	more.pools = NULL;
	more.nr_pools = 0;
	policy_free(&more);
	return good;
}

bool policy_read(struct policy *policy, const char *path, struct policy_error *error)
{
	char *text = malloc(TEXT_MAX + 2);
	bool good = false;
	FILE *file = NULL;
	size_t length;

	policy_init(policy);
	errno = ENOMEM;
	if (text)
		file = fopen(path, "re");
	if (!file) {
		refuse(error, "%.160s: %s", path, strerror(errno));
		goto out;
	}
	/* One byte more than is allowed, for policy_parse() to see. */
	length = fread(text, 1, TEXT_MAX + 1, file);
	text[length] = '\0';
	if (ferror(file))
		refuse(error, "%.160s: %s", path, strerror(errno));
	else if (strlen(text) < length)
		refuse(error, "%.160s: a policy cannot have a NUL byte", path);
	else
		good = policy_parse(policy, text, path, error);
	fclose(file);
out:
	free(text);
	return good;
}

/* Writing */

static void write_quoted(FILE *file, const char *text)
{
	putc('"', file);
	for (; *text; text++) {
		if (iscntrl((unsigned char)*text))
			fprintf(file, "\\x%02x", (unsigned char)*text);
		else
			fprintf(file, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
	}
	putc('"', file);
}

static void write_text(FILE *file, const char *key, const char *text)
{
	fprintf(file, " %s = ", key);
	write_quoted(file, text);
	putc(';', file);
}

static void write_reservation(FILE *file, const struct reservation *reservation)
{
	if (!is_none(reservation))
		fprintf(file, " runtime = \"%s\"; period = \"%s\";", TIME(reservation->runtime),
			TIME(reservation->period));
}

/* False without memory. */
static bool write_cpus(FILE *file, const char *key, const struct cpus *cpus)
{
	char *list;

	if (cpus_empty(cpus))
		return true;
	list = cpus_print(cpus);
	if (!list)
		return false;
	write_text(file, key, list);
	free(list);
	return true;
}

static bool write_pool(FILE *file, const struct pool_policy *pool)
{
	bool good;

	write_text(file, "name", pool->name);
	write_reservation(file, &pool->spare);
	if (pool->units || !is_none(&pool->spare))
		fprintf(file, " units = %u;", pool->units);
	good = write_cpus(file, "cpus", &pool->cpus);
	if (pool->exclusive)
		fputs(" exclusive = true;", file);
	if (pool->edf)
		write_text(file, "edf", edf_names[pool->edf]);
	if (pool->group)
		write_text(file, "group", pool->group);
	return good;
}

static const char *truth(bool value)
{
	return value ? "true" : "false";
}

static void write_borrow(FILE *file, const struct borrow_policy *borrow)
{
	fprintf(file, "\n    borrow = { on = %s; chances = ", truth(borrow->on));
	if (borrow->chances)
		fprintf(file, "%u", borrow->chances);
	else
		fputs("\"max\"", file);
	fprintf(file, "; charge = %s; reply = %s; linger = \"%s\"; timer = %s; };", truth(borrow->charge), truth(borrow->reply),
		TIME(borrow->linger), truth(borrow->timer));
}

static bool write_io(FILE *file, const struct io_policy *io)
{
	bool good;

	if (io->kind == IO_KEEP && cpus_empty(&io->cpus) && is_none(&io->reservation))
		return true;
	fprintf(file, "\n    io = { policy = \"%s\";", io_names[io->kind]);
	good = write_cpus(file, "cpus", &io->cpus);
	write_reservation(file, &io->reservation);
	fputs(" };", file);
	return good;
}

static void write_devices(FILE *file, const struct vm_policy *vm)
{
	if (vm->any_device)
		fputs("\n    devices = \"any\";", file);
	for (size_t i = 0; i < vm->nr_devices; i++) {
		fputs(i ? ", " : "\n    devices = ( ", file);
		write_quoted(file, vm->devices[i]);
	}
	if (vm->nr_devices)
		fputs(" );", file);
}

static bool write_vm(FILE *file, const struct vm_policy *vm)
{
	bool good;

	write_text(file, "name", vm->name);
	write_reservation(file, &vm->reservation);
	good = write_cpus(file, "vcpus", &vm->vcpus);
	if (vm->pool) {
		write_text(file, "pool", vm->pool);
		write_borrow(file, &vm->borrow);
	}
	good &= write_io(file, &vm->io);
	write_devices(file, vm);
	return good;
}

int policy_write(const struct policy *policy, FILE *file)
{
	bool good = true;

	fprintf(file, "hrtick = %s;\npools = (", truth(policy->hrtick));
	for (size_t i = 0; i < policy->nr_pools; i++) {
		fputs(i ? ",\n  {" : "\n  {", file);
		good &= write_pool(file, &policy->pools[i]);
		fputs(" }", file);
	}
	fputs("\n);\nvms = (", file);
	for (size_t i = 0; i < policy->nr_vms; i++) {
		fputs(i ? ",\n  {" : "\n  {", file);
		good &= write_vm(file, &policy->vms[i]);
		fputs(" }", file);
	}
	fputs("\n);\n", file);
	return good && !fflush(file) && !ferror(file) ? 0 : -1;
}
