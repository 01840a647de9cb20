// SPDX-License-Identifier: GPL-2.0
/* Reads a policy. What is not given leaves its default. */
#include "policy/policy.h"

#include <ctype.h>
#include <errno.h>
#include <libconfig.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "host/names.h"
#include "host/units.h"
#include "policy/inside.h"

#define DEVICES "\"any\", \"none\", or a list of names, such as ( \"tap0\", \"tap1\" )"

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
	return policy_refuse(reader->error, "%.160s:%u: %.330s", reader->name, line, text);
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
					 "%s: %s has no such key; it has: %s", policy_quote(key).text, where, keys);
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
		return refuse_at(reader, line_of(group, key), "%s %s: %s", key, policy_quote(text).text, rule);
	return true;
}

static bool read_cpus(const struct reader *reader, const config_setting_t *group, const char *key, struct cpus *cpus)
{
	const char *text = NULL, *rule;

	if (!read_text(reader, group, key, "0-3,8", &text))
		return false;
	if (text && !cpus_parse(cpus, text, &rule))
		return refuse_at(reader, line_of(group, key), "%s %s: %s", key, policy_quote(text).text, rule);
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
					 "chances %s: it must be a number or \"max\"", policy_quote(text).text);
	} else if (!read_number(reader, group, "chances", 1, POLICY_CHANCES_MAX, &borrow->chances)) {
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
	int kind;

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
	kind = policy_word(policy, policy_io_names, IO_DEADLINE);
	if (kind < 0)
		return refuse_at(reader, line_of(group, "policy"),
				 "policy %s: it must be one of keep, housekeeping, deadline", policy_quote(policy).text);
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
					 policy_quote(text).text);
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
		if (!names_add(&vm->devices, &vm->nr_devices, config_setting_get_string(device)))
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
		return refuse_at(reader, line_of(group, "edf"), "edf %s: it must be partitioned or global", policy_quote(text).text);
	return true;
}

static bool read_lender(const struct reader *reader, const config_setting_t *root, enum lender *lender)
{
	const char *text = NULL;

	if (!read_text(reader, root, "lender", "daemon", &text))
		return false;
	if (text && !policy_lender(lender, text))
		return refuse_at(reader, line_of(root, "lender"), "lender %s: it must be auto, kernel or daemon", policy_quote(text).text);
	return true;
}

static bool read_class(const struct reader *reader, const config_setting_t *group, enum vm_class *class)
{
	const char *text = NULL;

	if (!read_text(reader, group, "class", "quota", &text))
		return false;
	if (text && !policy_class(class, text))
		return refuse_at(reader, line_of(group, "class"), "class %s: it must be auto, deadline or quota", policy_quote(text).text);
	return true;
}

static bool read_automatic(const struct reader *reader, const config_setting_t *group, bool *automatic)
{
	const char *text = NULL;

	if (!read_text(reader, group, "spare", "auto", &text))
		return false;
	if (text && strcmp(text, "auto"))
		return refuse_at(reader, line_of(group, "spare"), "spare %s: it must be auto, or runtime and period in its place",
				 policy_quote(text).text);
	*automatic = text;
	return true;
}

static bool read_pool(const struct reader *reader, const config_setting_t *group, struct policy *policy)
{
	const char *name = NULL, *path = NULL;
	struct pool_policy *pool;

	if (!read_keys(reader, group, "a pool", "name runtime period units spare cpus exclusive edf group") ||
	    !read_text(reader, group, "name", "gold", &name) ||
	    !read_text(reader, group, "group", "machine-gold.slice", &path))
		return false;
	if (!name)
		return refuse_at(reader, config_setting_source_line(group), "a pool needs a name");
	pool = policy_add_pool(policy, name);
	if (pool && path)
		pool->group = policy_strip_slashes(path);
	if (!pool || (path && !pool->group))
		return refuse_at(reader, config_setting_source_line(group), "%s", strerror(ENOMEM));
	if (!read_automatic(reader, group, &pool->automatic) || !read_reservation(reader, group, &pool->spare))
		return false;
	pool->units = !reservation_none(pool->spare);
	return read_number(reader, group, "units", 0, POLICY_UNITS_MAX, &pool->units) &&
	       read_cpus(reader, group, "cpus", &pool->cpus) &&
	       read_bool(reader, group, "exclusive", &pool->exclusive) && read_edf(reader, group, &pool->edf);
}

static bool read_process(const struct reader *reader, const config_setting_t *group, struct process_policy *process)
{
	unsigned int pid = 0, uid = 0;

	if (!read_number(reader, group, "pid", 1, INT_MAX, &pid) || !read_number(reader, group, "uid", 0, INT_MAX, &uid))
		return false;
	process->pid = pid;
	if (config_setting_get_member(group, "uid"))
		process->uid = uid;
	return true;
}

static bool read_target(const struct reader *reader, const config_setting_t *vm, struct target_policy *target)
{
	const char *text = NULL, *rule;

	if (!read_text(reader, vm, "latency", "5ms 99.9%", &text))
		return false;
	if (text && !policy_target(target, text, &rule))
		return refuse_at(reader, line_of(vm, "latency"), "latency %s: %s", policy_quote(text).text, rule);
	return true;
}

static bool read_vm(const struct reader *reader, const config_setting_t *group, struct policy *policy)
{
	const char *name = NULL, *pool = NULL, *path = NULL;
	struct vm_policy *vm;

	if (!read_keys(reader, group, "a VM", "name pid uid group class runtime period vcpus pool borrow latency rate io devices") ||
	    !read_text(reader, group, "name", "web", &name) || !read_text(reader, group, "pool", "gold", &pool) ||
	    !read_text(reader, group, "group", "system.slice/web.service", &path))
		return false;
	if (!name)
		return refuse_at(reader, config_setting_source_line(group), "a VM needs a name");
	vm = policy_add_vm(policy, name);
	if (vm && pool)
		vm->pool = strdup(pool);
	if (vm && path)
		vm->process.group = policy_strip_slashes(path);
	if (!vm || (pool && !vm->pool) || (path && !vm->process.group))
		return refuse_at(reader, config_setting_source_line(group), "%s", strerror(ENOMEM));
	vm->borrow.on = pool;
	return read_process(reader, group, &vm->process) && read_class(reader, group, &vm->class) &&
	       read_reservation(reader, group, &vm->reservation) &&
	       read_cpus(reader, group, "vcpus", &vm->vcpus) &&
	       read_borrow(reader, group, &vm->borrow) && read_target(reader, group, &vm->target) &&
	       read_number(reader, group, "rate", 1, POLICY_RATE_MAX, &vm->rate) && read_io(reader, group, &vm->io) &&
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
		if (!policy_check_vm(policy, i, &broken))
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

	if (!read_keys(reader, root, "a policy", "hrtick lender pools vms") ||
	    !read_bool(reader, root, "hrtick", &policy->hrtick) || !read_lender(reader, root, &policy->lender) ||
	    !read_list(reader, root, "pools", &pools) || !read_list(reader, root, "vms", &vms))
		return false;
	for (int i = 0; pools && i < config_setting_length(pools); i++) {
		entry = config_setting_get_elem(pools, i);
		if (!read_pool(reader, entry, policy))
			return false;
		if (!policy_check_pool(policy, i, load, &broken))
			return refuse_at(reader, config_setting_source_line(entry), "%s", broken.text);
	}
	if (!read_vms(reader, vms, policy))
		return false;
	for (int i = 0; pools && i < config_setting_length(pools); i++)
		if (!policy_check_automatic(policy, i, &broken))
			return refuse_at(reader, config_setting_source_line(config_setting_get_elem(pools, i)), "%s", broken.text);
	return true;
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

	if (strnlen(text, POLICY_TEXT_MAX + 1) > POLICY_TEXT_MAX)
		return policy_refuse(reader->error, "%.160s: a policy is at most %d bytes long", reader->name, POLICY_TEXT_MAX);
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
	struct policy more = { .lender = policy->lender, .pools = policy->pools, .nr_pools = policy->nr_pools };
	bool good = parse(&more, text, &reader, read_more);

	if (good && !policy_merge(policy, &more))
		good = policy_refuse(error, "%.160s: out of memory", name);
	more.pools = NULL;
	more.nr_pools = 0;
	policy_free(&more);
	return good;
}

bool policy_read(struct policy *policy, const char *path, struct policy_error *error)
{
	char *text = malloc(POLICY_TEXT_MAX + 2);
	bool good = false;
	FILE *file = NULL;
	size_t length;

	policy_init(policy);
	errno = ENOMEM;
	if (text)
		file = fopen(path, "re");
	if (!file) {
		policy_refuse(error, "%.160s: %s", path, strerror(errno));
		goto out;
	}
	/* One byte more than is allowed, for policy_parse() to see. */
	length = fread(text, 1, POLICY_TEXT_MAX + 1, file);
	text[length] = '\0';
	if (ferror(file))
		policy_refuse(error, "%.160s: %s", path, strerror(errno));
	else if (strlen(text) < length)
		policy_refuse(error, "%.160s: a policy cannot have a NUL byte", path);
	else
		good = policy_parse(policy, text, path, error);
	fclose(file);
out:
	free(text);
	return good;
}
