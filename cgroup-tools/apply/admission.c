// SPDX-License-Identifier: GPL-2.0
#include "apply/admission.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "apply/admitting.h"
#include "apply/vmgroup.h"
#include "host/bandwidth.h"
#include "host/group.h"
#include "host/units.h"
#include "plan/latency.h"
#include "plan/placement.h"

static struct fraction fair_server(int cpu)
{
	return latency_share(bandwidth_fair_server(cpu));
}

/* --- parts of a sum --- */

static bool __attribute__((format(printf, 4, 5)))
add_part(struct admission_domain *domain, enum admission_kind kind, struct fraction sum, const char *format, ...)
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
	parts[domain->nr_parts++] = (struct admission_part){ text, kind, sum };
	if (kind != ADMISSION_CEILING)
		domain->sum = fraction_sum(domain->sum, sum);
	if (kind != ADMISSION_FAIR_SERVER)
		domain->promised = fraction_sum(domain->promised, sum);
	return true;
}

static bool add_domain(struct admission *admission, const struct pool_policy *pool, const struct cpus *cpus)
{
	struct admission_domain *domains = reallocarray(admission->domains, admission->nr_domains + 1,
							sizeof(*domains));

	if (!domains)
		return false;
	admission->domains = domains;
	domains[admission->nr_domains++] = (struct admission_domain){
		.pool = pool, .cpus = *cpus, .sum = { 0, 1 }, .promised = { 0, 1 }, .room = admitting_times(admission->limit, cpus_count(cpus)),
	};
	return true;
}

static bool add_fair_servers(struct admission_domain *domain)
{
	struct fraction sum = { 0, 1 };
	int cpu;

	for (cpu = cpus_next(&domain->cpus, 0); cpu >= 0; cpu = cpus_next(&domain->cpus, cpu + 1))
		sum = fraction_sum(sum, fair_server(cpu));
	return add_part(domain, ADMISSION_FAIR_SERVER, sum, "%s", cpus_count(&domain->cpus) == 1 ? "fair server" : "fair servers");
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
			good = add_part(domain, ADMISSION_RESERVATION, admitting_times(latency_share(pool->spare), n * pool->units),
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

bool admitting_is_partition(const struct admission_domain *domain)
{
	return domain->pool && policy_partitioned(domain->pool);
}

static void count_threads(const struct vm_policy *policy, const struct vms *vms, unsigned int *vcpus, unsigned int *others)
{
	const struct vm *vm = vms_named(vms, policy->name);
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

unsigned int admitting_vcpus_in(const struct admission *admission, const struct admission_domain *domain, const struct policy *policy,
				const struct vm_policy *vm, const struct vms *vms)
{
	unsigned int vcpus = 0, others;
	size_t i;

	if (exclusive_pool(policy, vm) != domain->pool)
		return 0;
	if (!admitting_is_partition(domain)) {
		count_threads(vm, vms, &vcpus, &others);
		return vcpus;
	}
	for (i = 0; i < admission->nr_places; i++)
		vcpus += admission->places[i].vm == vm && cpus_has(&domain->cpus, admission->places[i].cpu);
	return vcpus;
}

const struct pool_policy *admission_io_pool(const struct policy *policy, const struct vm_policy *vm, const struct vms *vms)
{
	const struct pool_policy *pool = exclusive_pool(policy, vm);

	return pool && vmgroup_whole(pool, vms_named(vms, vm->name)) ? pool : NULL;
}

static unsigned int io_threads_in(const struct admission_domain *domain, const struct policy *policy,
				  const struct vm_policy *vm, const struct vms *vms)
{
	unsigned int vcpus, others;

	if (domain->pool != admission_io_pool(policy, vm, vms))
		return 0;
	count_threads(vm, vms, &vcpus, &others);
	return others;
}

static bool add_threads(struct admission_domain *domain, const struct vm_policy *vm, unsigned int n, const char *what,
			enum admission_kind kind, struct reservation reservation)
{
	char runtime[UNITS_TEXT], period[UNITS_TEXT];

	return !n || !reservation.runtime ||
	       add_part(domain, kind, admitting_times(latency_share(reservation), n), "%sVM '%s': %u %s%s x %s/%s",
			kind == ADMISSION_CEILING ? "ceiling of " : "", vm->name, n, what, n == 1 ? "" : "s",
			units_print(runtime, reservation.runtime), units_print(period, reservation.period));
}

static bool add_vms(struct admission *admission, struct admission_domain *domain, const struct policy *policy,
		    const struct vms *vms)
{
	bool good = true;
	size_t i;

	for (i = 0; good && i < policy->nr_vms; i++) {
		const struct vm_policy *vm = &policy->vms[i];

		good = add_threads(domain, vm, admitting_vcpus_in(admission, domain, policy, vm, vms), "vCPU",
				   vm->class == CLASS_QUOTA ? ADMISSION_CEILING : ADMISSION_RESERVATION, vm->reservation) &&
		       (vm->io.kind != IO_DEADLINE ||
			add_threads(domain, vm, io_threads_in(domain, policy, vm, vms), "I/O thread", ADMISSION_RESERVATION,
				     vm->io.reservation));
	}
	return good;
}

/* --- a CPU for each vCPU of a partitioned pool --- */

struct placing {
	const struct pool_policy *pool;
	struct cpus online;		/* the pool's */
	bool anew;			/* one of them has no partition yet, and is to be used */
	bool ceilings;			/* all its VMs have some, and no reservations */
	struct placement_thread *threads;
	size_t nr_threads;
};

static bool add_thread(struct placing *placing, size_t vm, struct reservation reservation, pid_t tid, int cpu)
{
	struct placement_thread *threads = reallocarray(placing->threads, placing->nr_threads + 1, sizeof(*threads));

	if (!threads)
		return false;
	placing->threads = threads;
	threads[placing->nr_threads] = (struct placement_thread){
		.share = reservation.runtime ? latency_share(reservation) : fraction(0, 1), .cpus = &placing->online, .vm = vm,
		.number = placing->nr_threads, .tid = tid, .cpu = cpu,
	};
	placing->nr_threads++;
	return true;
}

static bool are_all_partitions(const struct placing *placing)
{
	bool all = true;
	char *group;
	int cpu;

	for (cpu = cpus_next(&placing->online, 0); all && cpu >= 0; cpu = cpus_next(&placing->online, cpu + 1)) {
		group = policy_cpus_group(placing->pool, cpu);
		all = group && group_exists(group);
		free(group);
	}
	return all;
}

/* Where the last change has put it. */
static int present_cpu(const struct placing *placing, const struct vm *vm, pid_t tid)
{
	char *place = placing->anew ? NULL : group_of(tid), *group;
	int cpu, found = -1;

	for (cpu = cpus_next(&placing->online, 0); place && found < 0 && cpu >= 0;
	     cpu = cpus_next(&placing->online, cpu + 1)) {
		group = vmgroup_of(placing->pool, vm, cpu);
		if (group && !strcmp(place, group))
			found = cpu;
		free(group);
	}
	free(place);
	return found;
}

static bool add_vcpus(struct placing *placing, size_t number, const struct vm_policy *policy, const struct vms *vms)
{
	unsigned int vcpus, others;
	const struct vm *vm = vms_named(vms, policy->name);
	bool good = true;
	size_t i;

	count_threads(policy, vms, &vcpus, &others);
	for (i = 0; !vm && good && i < vcpus; i++)
		good = add_thread(placing, number, policy->reservation, 0, -1);
	for (i = 0; vm && good && i < vm->nr_threads; i++)
		if (wanted_vcpu(policy, &vm->threads[i]))
			good = add_thread(placing, number, policy->reservation, vm->threads[i].tid,
					  present_cpu(placing, vm, vm->threads[i].tid));
	return good;
}

static bool place(struct admission *admission, const struct policy *policy, const struct placing *placing)
{
	struct admission_place *places = reallocarray(admission->places, admission->nr_places + placing->nr_threads + 1,
						      sizeof(*places));
	struct placement_cpu *cpus = calloc(admission->nr_domains, sizeof(*cpus));
	bool good = places && cpus;
	size_t nr_cpus = 0, i;

	if (places)
		admission->places = places;
	for (i = 0; good && i < admission->nr_domains; i++)
		if (admission->domains[i].pool == placing->pool)
			cpus[nr_cpus++] = (struct placement_cpu){
				.cpu = cpus_next(&admission->domains[i].cpus, 0),
				.limit = placing->ceilings ? fraction(1, 1) : admission->limit,
				.taken = placing->ceilings ? admission->domains[i].promised : admission->domains[i].sum,
			};
	/* Whether they fit shows in the sums. */
	if (good)
		placement_make(placing->threads, placing->nr_threads, cpus, nr_cpus);
	for (i = 0; good && i < placing->nr_threads; i++) {
		const struct placement_thread *thread = &placing->threads[i];

		if (thread->cpu >= 0)
			places[admission->nr_places++] = (struct admission_place){
				&policy->vms[thread->vm], thread->tid, thread->cpu,
			};
	}
	free(cpus);
	return good;
}

static bool place_pool(struct admission *admission, const struct policy *policy, const struct pool_policy *pool,
		       const struct vms *vms, const struct wanted_host *host)
{
	struct placing placing = { .pool = pool, .online = common(pool, &host->online), .ceilings = true };
	bool good = true;
	size_t i;

	placing.anew = !are_all_partitions(&placing);
	for (i = 0; good && i < policy->nr_vms; i++)
		if (exclusive_pool(policy, &policy->vms[i]) == pool) {
			placing.ceilings &= policy->vms[i].class == CLASS_QUOTA;
			good = add_vcpus(&placing, i, &policy->vms[i], vms);
		}
	good = good && place(admission, policy, &placing);
	free(placing.threads);
	return good;
}

int admission_cpu(const struct admission *admission, pid_t tid)
{
	size_t i;

	for (i = 0; i < admission->nr_places; i++)
		if (admission->places[i].tid == tid)
			return admission->places[i].cpu;
	return -1;
}

/* --- the answer --- */

static void judge_domain(struct admission *admission, const struct admission_domain *domain, const struct policy *policy,
			 const struct vms *vms, const struct wanted_host *host)
{
	if (!admission->fits || (fraction_compare(domain->sum, domain->room) <= 0 && admitting_has_time(domain)))
		return;
	admission->fits = false;
	admitting_refuse(admission, domain, policy, vms, host);
}

static void judge_cpu(struct admission *admission, int cpu, const struct policy *policy)
{
	struct fraction sum = fair_server(cpu);
	size_t i;

	for (i = 0; i < policy->nr_pools; i++) {
		const struct pool_policy *pool = &policy->pools[i];

		if (pool->spare.runtime && (cpus_empty(&pool->cpus) || cpus_has(&pool->cpus, cpu)))
			sum = fraction_sum(sum, admitting_times(latency_share(pool->spare), pool->units));
	}
	if (!admission->fits || fraction_compare(sum, admission->limit) <= 0)
		return;
	admission->fits = false;
	admitting_tell(admission, "no room on CPU %d: the units of its pools and its fair server make %.4f, and the limit is %.4f",
		       cpu, fraction_double(sum), fraction_double(admission->limit));
}

static bool add_partitions(struct admission *admission, const struct pool_policy *pool, const struct cpus *cpus)
{
	bool good = true;
	int cpu;

	if (!policy_partitioned(pool))
		return add_domain(admission, pool, cpus);
	for (cpu = cpus_next(cpus, 0); good && cpu >= 0; cpu = cpus_next(cpus, cpu + 1)) {
		struct cpus one = { 0 };

		cpus_add(&one, cpu);
		good = add_domain(admission, pool, &one);
	}
	return good;
}

static bool make_domains(struct admission *admission, const struct policy *policy, const struct wanted_host *host)
{
	struct cpus rest = host->online;
	size_t i;

	for (i = 0; i < policy->nr_pools; i++)
		if (policy->pools[i].exclusive)
			cpus_subtract(&rest, &policy->pools[i].cpus);
	if (!add_domain(admission, NULL, &rest))
		return false;
	for (i = 0; i < policy->nr_pools; i++) {
		struct cpus cpus = common(&policy->pools[i], &host->online);

		if (policy->pools[i].exclusive && !add_partitions(admission, &policy->pools[i], &cpus))
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
	admission->limit = latency_share(bandwidth_limit());
	admission->fits = true;
	good = make_domains(admission, policy, host);
	for (i = 0; good && i < admission->nr_domains; i++)
		good = add_fair_servers(&admission->domains[i]) && add_units(&admission->domains[i], policy);
	for (i = 0; good && i < policy->nr_pools; i++)
		if (policy_partitioned(&policy->pools[i]))
			good = place_pool(admission, policy, &policy->pools[i], vms, host);
	for (i = 0; good && i < admission->nr_domains; i++)
		good = add_vms(admission, &admission->domains[i], policy, vms);
	for (i = 0; good && i < admission->nr_domains; i++)
		judge_domain(admission, &admission->domains[i], policy, vms, host);
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
	}
	free(admission->domains);
	free(admission->places);
	admission->domains = NULL;
	admission->places = NULL;
	admission->nr_domains = admission->nr_places = 0;
}
