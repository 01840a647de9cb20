// SPDX-License-Identifier: GPL-2.0
#include "admission.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "units.h"

static struct fraction less(struct fraction a, struct fraction b)
{
	return fraction_sum(fraction(-b.num, b.den), a);
}

static struct fraction times(struct fraction a, uint64_t n)
{
	return fraction_multiply(a, fraction(n, 1));
}

static struct fraction share(struct reservation reservation)
{
	return fraction(reservation.runtime, reservation.period);
}

static int64_t read_number(int64_t otherwise, const char *path)
{
	char *text = host_read(path, NULL);
	int64_t number = text ? strtoll(text, NULL, 10) : otherwise;

	free(text);
	return number;
}

static struct fraction cpu_limit(void)
{
	int64_t runtime = read_number(950000, host_path("/proc/sys/kernel/sched_rt_runtime_us"));
	int64_t period = read_number(1000000, host_path("/proc/sys/kernel/sched_rt_period_us"));

	/* -1: without limit; a CPU has no more than itself all the same. */
	return runtime < 0 || period <= 0 ? fraction(1, 1) : fraction(runtime, period);
}

static struct fraction fair_server(int cpu)
{
	int64_t runtime = read_number(50000000, host_path("/sys/kernel/debug/sched/fair_server/cpu%d/runtime", cpu));
	int64_t period = read_number(1000000000, host_path("/sys/kernel/debug/sched/fair_server/cpu%d/period", cpu));

	return period > 0 ? fraction(runtime, period) : fraction(0, 1);
}

/* --- parts of a sum --- */

static bool __attribute__((format(printf, 3, 4)))
add_part(struct admission_domain *domain, struct fraction sum, const char *format, ...)
{
	struct admission_part *parts = reallocarray(domain->parts, domain->nr_parts + 1, sizeof(*parts));
	va_list arguments;
	char *text;
	int made;

	if (!parts)
		return false;
	domain->parts = parts;
	va_start(arguments, format);
	made = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (made < 0)
		return false;
	parts[domain->nr_parts++] = (struct admission_part){ text, sum };
	domain->sum = fraction_sum(domain->sum, sum);
	return true;
}

static struct admission_domain *add_domain(struct admission *admission, const char *name, const struct cpus *cpus)
{
	struct admission_domain *domains = reallocarray(admission->domains, admission->nr_domains + 1,
							sizeof(*domains)), *domain;

	if (!domains)
		return NULL;
	admission->domains = domains;
	domain = &domains[admission->nr_domains];
	*domain = (struct admission_domain){ .name = strdup(name), .cpus = *cpus, .sum = { 0, 1 },
					     .room = times(admission->limit, cpus_count(cpus)) };
	if (!domain->name)
		return NULL;
	admission->nr_domains++;
	return domain;
}

static bool add_fair_servers(struct admission_domain *domain)
{
	struct fraction sum = { 0, 1 };
	int cpu;

	for (cpu = cpus_next(&domain->cpus, 0); cpu >= 0; cpu = cpus_next(&domain->cpus, cpu + 1))
		sum = fraction_sum(sum, fair_server(cpu));
	return add_part(domain, sum, "%s", cpus_count(&domain->cpus) == 1 ? "fair server" : "fair servers");
}

/* The CPUs of a pool that are in the domain. */
static struct cpus common(const struct pool_policy *pool, const struct cpus *cpus)
{
	struct cpus both = *cpus;

	if (!cpus_empty(&pool->cpus))
		cpus_intersect(&both, &pool->cpus);
	return both;
}

static bool add_units(struct admission_domain *domain, const struct policy *policy)
{
	char runtime[UNITS_TEXT], period[UNITS_TEXT];
	bool good = true;
	size_t i;

	for (i = 0; good && i < policy->nr_pools; i++) {
		const struct pool_policy *pool = &policy->pools[i];
		struct cpus cpus = common(pool, &domain->cpus);
		unsigned int n = cpus_count(&cpus);

		if (pool->spare.runtime && n)
			good = add_part(domain, times(share(pool->spare), n * pool->units),
					"pool '%s': %u unit%s x %s/%s on each of %u CPU%s", pool->name, pool->units,
					pool->units == 1 ? "" : "s", units_print(runtime, pool->spare.runtime),
					units_print(period, pool->spare.period), n, n == 1 ? "" : "s");
	}
	return good;
}

static const struct pool_policy *exclusive_pool(const struct policy *policy, const struct vm_policy *vm)
{
	const struct pool_policy *pool = vm->pool ? policy_pool(policy, vm->pool) : NULL;

	return pool && pool->exclusive ? pool : NULL;
}

static struct admission_domain *domain_of(struct admission *admission, const struct pool_policy *pool)
{
	size_t i;

	for (i = 1; pool && i < admission->nr_domains; i++)
		if (!strcmp(admission->domains[i].name, pool->name))
			return &admission->domains[i];
	return &admission->domains[0];
}

static void count_threads(const struct vm_policy *policy, const struct vms *vms, unsigned int *vcpus, unsigned int *others)
{
	bool several;
	const struct vm *vm = vms_named(vms, policy->name, &several);
	size_t i;

	*vcpus = *others = 0;
	for (i = 0; vm && i < vm->nr_threads; i++) {
		*vcpus += wanted_vcpu(policy, &vm->threads[i]);
		*others += vm->threads[i].role != VM_VCPU;
	}
	if (!vm) {
		*vcpus = cpus_empty(&policy->vcpus) ? 1 : cpus_count(&policy->vcpus);
		*others = 1;
	}
}

static bool add_vm(struct admission *admission, const struct policy *policy, const struct vm_policy *vm,
		   const struct vms *vms)
{
	const struct pool_policy *pool = exclusive_pool(policy, vm);
	char runtime[UNITS_TEXT], period[UNITS_TEXT];
	unsigned int vcpus, others;
	bool good = true;

	count_threads(vm, vms, &vcpus, &others);
	if (vm->reservation.runtime)
		good = add_part(domain_of(admission, pool), times(share(vm->reservation), vcpus),
				"VM '%s': %u vCPU%s x %s/%s", vm->name, vcpus, vcpus == 1 ? "" : "s",
				units_print(runtime, vm->reservation.runtime),
				units_print(period, vm->reservation.period));
	/* In a pool with a group of its own the whole VM is on the pool's CPUs. */
	if (good && vm->io.kind == IO_DEADLINE)
		good = add_part(domain_of(admission, pool && pool->group ? pool : NULL),
				times(share(vm->io.reservation), others), "VM '%s': %u I/O thread%s x %s/%s", vm->name,
				others, others == 1 ? "" : "s", units_print(runtime, vm->io.reservation.runtime),
				units_print(period, vm->io.reservation.period));
	return good;
}

/* --- the answer --- */

static void __attribute__((format(printf, 2, 3))) tell(struct admission *admission, const char *format, ...)
{
	size_t used = strlen(admission->text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(admission->text + used, sizeof(admission->text) - used, format, arguments);
	va_end(arguments);
}

/* The longest runtime, in whole microseconds, of `count` reservations of that period in that room. */
static uint64_t longest(struct fraction room, uint64_t count, uint64_t period)
{
	if (room.num <= 0 || !count)
		return 0;
	return fraction_floor(fraction_multiply(room, fraction(period, count * NSEC_PER_USEC))) * NSEC_PER_USEC;
}

static void tell_what_fits(struct admission *admission, const struct admission_domain *domain, const struct policy *policy,
			   const struct vms *vms)
{
	const char *separator = "; would fit: ";
	char text[UNITS_TEXT], period[UNITS_TEXT];
	unsigned int vcpus, others;
	size_t i;

	for (i = 0; i < policy->nr_vms; i++) {
		const struct vm_policy *vm = &policy->vms[i];
		struct fraction rest;
		uint64_t runtime;

		if (!vm->reservation.runtime || domain_of(admission, exclusive_pool(policy, vm)) != domain)
			continue;
		count_threads(vm, vms, &vcpus, &others);
		rest = fraction_sum(less(domain->room, domain->sum), times(share(vm->reservation), vcpus));
		runtime = longest(rest, vcpus, vm->reservation.period);
		if (runtime < POLICY_RUNTIME_MIN)
			continue;
		tell(admission, "%s%s of every %s for VM '%s'", separator, units_print(text, runtime),
		     units_print(period, vm->reservation.period), vm->name);
		separator = ", or ";
	}
	tell(admission, "%s%d CPUs", separator,
	     (int)fraction_ceil(fraction(domain->sum.num * admission->limit.den, domain->sum.den * admission->limit.num)));
}

static void judge_domain(struct admission *admission, const struct admission_domain *domain, const struct policy *policy,
			 const struct vms *vms)
{
	char *list;
	size_t i;

	if (!admission->fits || fraction_compare(domain->sum, domain->room) <= 0)
		return;
	admission->fits = false;
	list = cpus_print(&domain->cpus);
	tell(admission, "no room on CPU %s: ", list ? list : "?");
	for (i = 0; i < domain->nr_parts; i++)
		tell(admission, "%s%s = %.4f", i ? " + " : "", domain->parts[i].text,
		     fraction_double(domain->parts[i].sum));
	tell(admission, " makes %.4f, and the limit is %.4f", fraction_double(domain->sum), fraction_double(domain->room));
	tell_what_fits(admission, domain, policy, vms);
	free(list);
}

static void judge_cpu(struct admission *admission, int cpu, const struct policy *policy)
{
	struct fraction sum = fair_server(cpu);
	size_t i;

	for (i = 0; i < policy->nr_pools; i++) {
		const struct pool_policy *pool = &policy->pools[i];

		if (pool->spare.runtime && (cpus_empty(&pool->cpus) || cpus_has(&pool->cpus, cpu)))
			sum = fraction_sum(sum, times(share(pool->spare), pool->units));
	}
	if (!admission->fits || fraction_compare(sum, admission->limit) <= 0)
		return;
	admission->fits = false;
	tell(admission, "no room on CPU %d: the units of its pools and its fair server make %.4f, and the limit is %.4f",
	     cpu, fraction_double(sum), fraction_double(admission->limit));
}

static bool make_domains(struct admission *admission, const struct policy *policy, const struct wanted_host *host)
{
	struct cpus rest = host->online;
	size_t i;

	for (i = 0; i < policy->nr_pools; i++)
		if (policy->pools[i].exclusive)
			cpus_subtract(&rest, &policy->pools[i].cpus);
	if (!add_domain(admission, "", &rest))
		return false;
	for (i = 0; i < policy->nr_pools; i++) {
		struct cpus cpus = common(&policy->pools[i], &host->online);

		if (policy->pools[i].exclusive && !add_domain(admission, policy->pools[i].name, &cpus))
			return false;
	}
	return true;
}

bool admission_make(struct admission *admission, const struct policy *policy, const struct vms *vms,
		    const struct wanted_host *host)
{
	bool good;
	size_t i;
	int cpu;

	memset(admission, 0, sizeof(*admission));
	admission->limit = cpu_limit();
	admission->fits = true;
	good = make_domains(admission, policy, host);
	for (i = 0; good && i < admission->nr_domains; i++)
		good = add_fair_servers(&admission->domains[i]) && add_units(&admission->domains[i], policy);
	for (i = 0; good && i < policy->nr_vms; i++)
		good = add_vm(admission, policy, &policy->vms[i], vms);
	for (i = 0; good && i < admission->nr_domains; i++)
		judge_domain(admission, &admission->domains[i], policy, vms);
	for (cpu = cpus_next(&host->online, 0); good && cpu >= 0; cpu = cpus_next(&host->online, cpu + 1))
		judge_cpu(admission, cpu, policy);
	if (!good)
		admission_free(admission);
	return good;
}

void admission_free(struct admission *admission)
{
	size_t i, j;

	for (i = 0; i < admission->nr_domains; i++) {
		struct admission_domain *domain = &admission->domains[i];

		for (j = 0; j < domain->nr_parts; j++)
			free(domain->parts[j].text);
		free(domain->parts);
		free(domain->name);
	}
	free(admission->domains);
	admission->domains = NULL;
	admission->nr_domains = 0;
}
