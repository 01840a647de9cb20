// Policies made otherwise than from a text: what policy_check() takes is read back from what policy_write() writes,
// and what it refuses is refused there too.
// sources: cgroup-tools/policy/*.c cgroup-tools/host/*.c
// libraries: -lcgroup -lconfig
// example: \x01\x01\x01gold\x00\x01\x04\x0a\x01\x01\x00\x00
// example: \x01\x01p\x00\x00\x01web\x00\x00\x02\x01p\x00\x01\x02\x00\x01\xc8\x00\x01tap0\x00
// example: \x01\x04w\x00\x07\x05\x00\x03\x09/g/h/\x00\x01\x00\x04\x00\x0a
// example: \x00\x02a\x00\x00\x00\x00\x00b\x00\x01\x05\x0a\x01\x01g/h\x00

#include "same_policy.h"

// The bytes that are left to make values of; behind their end are zeros.
struct bytes {
	const uint8_t *data;
	size_t size;
};

static unsigned int take(struct bytes *bytes)
{
	if (!bytes->size)
		return 0;
	bytes->size--;
	return *bytes->data++;
}

// Up to a zero; to be freed.
static char *take_text(struct bytes *bytes)
{
	size_t length = strnlen((const char *)bytes->data, bytes->size);
	char *text = fuzz_text(bytes->data, length);

	bytes->data += length;
	bytes->size -= length;
	take(bytes);
	return text;
}

// Small ones in a unit that varies, some at the limits, or any.
static uint64_t take_time(struct bytes *bytes)
{
	static const uint64_t odd[] = {
		0, 1, 1023, RESERVATION_RUNTIME_MIN, RESERVATION_PERIOD_MIN - 1, RESERVATION_PERIOD_MIN, RESERVATION_PERIOD_MAX,
		RESERVATION_PERIOD_MAX + 1, POLICY_LINGER_MAX, POLICY_LINGER_MAX + 1, UINT64_MAX,
	};
	unsigned int kind = take(bytes), n = take(bytes);

	switch (kind % 4) {
	case 0:
		return n * 1000000ull;
	case 1:
		return n * 1000ull;
	case 2:
		return odd[n % (sizeof(odd) / sizeof(odd[0]))];
	default:
		return (uint64_t)n << kind / 4 % 64;
	}
}

static struct reservation take_reservation(struct bytes *bytes)
{
	struct reservation reservation = { 0 };

	if (take(bytes) % 2) {
		reservation.runtime = take_time(bytes);
		reservation.period = take_time(bytes);
	}
	return reservation;
}

static struct cpus take_cpus(struct bytes *bytes)
{
	struct cpus cpus = { 0 };

	for (unsigned int n = take(bytes) % 4; n; n--)
		cpus_add(&cpus, take(bytes) * 37);
	return cpus;
}

static void take_pool(struct bytes *bytes, struct policy *policy)
{
	char *name = take_text(bytes);
	struct pool_policy *pool = policy_add_pool(policy, name);

	MUST(pool);
	pool->spare = take_reservation(bytes);
	pool->units = take(bytes);
	pool->automatic = take(bytes) % 2;
	pool->cpus = take_cpus(bytes);
	pool->exclusive = take(bytes) % 2;
	pool->edf = take(bytes) % 3;
	if (take(bytes) % 2)
		pool->group = take_text(bytes);
	free(name);
}

static void take_process(struct bytes *bytes, struct vm_policy *vm)
{
	struct process_policy *process = &vm->process;
	unsigned int given = take(bytes);

	vm->class = given / 8 % 3;
	if (given & 1)
		process->pid = take(bytes) << take(bytes) % 32;
	if (given & 2)
		process->uid = take_time(bytes);
	if (given & 4)
		process->group = take_text(bytes);
}

static void take_vm(struct bytes *bytes, struct policy *policy)
{
	char *name = take_text(bytes);
	struct vm_policy *vm = policy_add_vm(policy, name);

	MUST(vm);
	free(name);
	take_process(bytes, vm);
	vm->reservation = take_reservation(bytes);
	vm->vcpus = take_cpus(bytes);
	// The terms of a VM without pool mean nothing, and are not written.
	if (take(bytes) % 2) {
		vm->pool = take_text(bytes);
		vm->borrow.on = take(bytes) % 2;
		vm->borrow.chances = take(bytes) << take(bytes) % 32;
		vm->borrow.charge = take(bytes) % 2;
		vm->borrow.reply = take(bytes) % 2;
		vm->borrow.timer = take(bytes) % 2;
		vm->borrow.linger = take_time(bytes);
	}
	if (take(bytes) % 2) {
		vm->target.latency = take_time(bytes);
		vm->target.share = take(bytes) << take(bytes) % 16;
	}
	vm->rate = take(bytes) << take(bytes) % 32;
	vm->io.kind = take(bytes) % 3;
	vm->io.cpus = take_cpus(bytes);
	vm->io.reservation = take_reservation(bytes);
	vm->any_device = take(bytes) % 2;
	vm->nr_devices = take(bytes) % 4;
	vm->devices = calloc(vm->nr_devices, sizeof(*vm->devices));
	for (size_t i = 0; i < vm->nr_devices; i++)
		vm->devices[i] = take_text(bytes);
}

static void normalise_group(char **group)
{
	char *given = *group;

	if (!given)
		return;
	*group = policy_strip_slashes(given);
	MUST(*group);
	free(given);
}

// Groups are read without the slashes around them.
static void normalise(struct policy *policy)
{
	for (size_t i = 0; i < policy->nr_pools; i++)
		normalise_group(&policy->pools[i].group);
	for (size_t i = 0; i < policy->nr_vms; i++)
		normalise_group(&policy->vms[i].process.group);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes bytes = { data, size };
	struct policy_error error = { "" };
	struct policy policy, again;
	unsigned int counts;
	char *text;

	policy_init(&policy);
	counts = take(&bytes);
	policy.hrtick = counts % 2;
	policy.lender = counts / 2 % 3;
	counts = take(&bytes);
	for (unsigned int n = counts % 4; n; n--)
		take_pool(&bytes, &policy);
	for (unsigned int n = counts / 4 % 4; n; n--)
		take_vm(&bytes, &policy);

	text = policy_text(&policy);
	MUST(text);
	if (policy_check(&policy, &error)) {
		normalise(&policy);
		MUST(policy_parse(&again, text, "again", &error));
		MUST(same_policy(&policy, &again));
	} else {
		MUST(*error.text);
		MUST(!policy_parse(&again, text, "again", &error));
	}
	policy_free(&again);
	policy_free(&policy);
	free(text);
	return 0;
}
