// SPDX-License-Identifier: GPL-2.0
/* Why it does not fit, and what would. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/admitting.h"
#include "host/units.h"
#include "plan/latency.h"

static struct fraction less(struct fraction a, struct fraction b)
{
	return fraction_sum(fraction(-b.num, b.den), a);
}

/* Of all time of its CPUs, beside all that is promised there. */
static struct fraction time_left(const struct admission_domain *domain)
{
	return less(fraction(cpus_count(&domain->cpus), 1), domain->promised);
}

bool admitting_has_time(const struct admission_domain *domain)
{
	return !domain->pool || time_left(domain).num >= 0;
}

/* For one more reservation, or ceiling. */
static struct fraction left(const struct admission_domain *domain, bool ceiling)
{
	struct fraction time = time_left(domain), room = less(domain->room, domain->sum);

	if (ceiling)
		return time;
	return domain->pool && fraction_compare(time, room) < 0 ? time : room;
}

void admitting_tell(struct admission *admission, const char *format, ...)
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

/* The longest runtime of a VM that has vCPUs in the domain, beside all else in its domains; 0: there is none. */
static uint64_t fitting(const struct admission *admission, const struct admission_domain *domain, const struct policy *policy,
			const struct vm_policy *vm, const struct vms *vms)
{
	uint64_t shortest = UINT64_MAX, runtime;
	size_t i;

	if (!vm->reservation.runtime || !admitting_vcpus_in(admission, domain, policy, vm, vms))
		return 0;
	for (i = 0; i < admission->nr_domains; i++) {
		const struct admission_domain *other = &admission->domains[i];
		unsigned int vcpus = admitting_vcpus_in(admission, other, policy, vm, vms);

		if (!vcpus)
			continue;
		runtime = longest(fraction_sum(left(other, vm->class == CLASS_QUOTA),
					       admitting_times(latency_share(vm->reservation), vcpus)), vcpus, vm->reservation.period);
		if (runtime < shortest)
			shortest = runtime;
	}
	return shortest < RESERVATION_RUNTIME_MIN ? 0 : shortest;
}

/* Does the pool have more CPUs, and would the sums over them all fit? */
static bool fits_globally(const struct admission *admission, const struct pool_policy *pool)
{
	struct fraction sum = { 0, 1 }, room = { 0, 1 }, promised = { 0, 1 };
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < admission->nr_domains; i++) {
		if (admission->domains[i].pool != pool)
			continue;
		sum = fraction_sum(sum, admission->domains[i].sum);
		room = fraction_sum(room, admission->domains[i].room);
		promised = fraction_sum(promised, admission->domains[i].promised);
		n++;
	}
	return n > 1 && fraction_compare(sum, room) <= 0 && fraction_compare(promised, fraction(n, 1)) <= 0;
}

static void tell_what_fits(struct admission *admission, const struct admission_domain *domain, const struct policy *policy,
			   const struct vms *vms)
{
	const char *separator = "; would fit: ";
	char text[UNITS_TEXT], period[UNITS_TEXT];
	int cpus;
	size_t i;

	for (i = 0; i < policy->nr_vms; i++) {
		const struct vm_policy *vm = &policy->vms[i];
		uint64_t runtime = fitting(admission, domain, policy, vm, vms);

		if (!runtime)
			continue;
		admitting_tell(admission, "%s%s of every %s for VM '%s'", separator, units_print(text, runtime),
		     units_print(period, vm->reservation.period), vm->name);
		separator = ", or ";
	}
	if (!admitting_is_partition(domain) && admission->limit.num) {
		cpus = fraction_ceil(fraction(domain->sum.num * admission->limit.den, domain->sum.den * admission->limit.num));
		if (domain->pool && fraction_ceil(domain->promised) > cpus)
			cpus = fraction_ceil(domain->promised);
		admitting_tell(admission, "%s%d CPU%s", separator, cpus, cpus == 1 ? "" : "s");
	} else if (admitting_is_partition(domain) && fits_globally(admission, domain->pool)) {
		admitting_tell(admission, "%sglobal EDF, by dlspare pool set %s --edf global", separator, domain->pool->name);
	}
}

static void tell_cpus(struct admission *admission, const char *separator, const struct cpus *cpus, const char *what)
{
	char *list = cpus_empty(cpus) ? NULL : cpus_print(cpus);
	bool one = cpus_count(cpus) == 1;

	if (list)
		admitting_tell(admission, "%sCPU%s %s %s %s", separator, one ? "" : "s", list, one ? "is" : "are", what);
	free(list);
}

/* The CPUs of the pool that cannot be had now. */
static void tell_what_is_away(struct admission *admission, const struct pool_policy *pool, const struct wanted_host *host)
{
	struct cpus away, absent;

	if (!pool)
		return;
	absent = away = pool->cpus;
	cpus_subtract(&absent, &host->possible);
	cpus_subtract(&away, &host->online);
	cpus_subtract(&away, &absent);
	tell_cpus(admission, "; ", &absent, "absent from this host");
	tell_cpus(admission, "; ", &away, "offline");
}

/* A domain without CPUs. */
static void tell_no_cpu(struct admission *admission, const struct admission_domain *domain, const struct wanted_host *host)
{
	if (domain->pool)
		admitting_tell(admission, "no CPU of pool '%s' is online", domain->pool->name);
	else
		admitting_tell(admission, "exclusive pools leave no CPU that is online");
	admitting_tell(admission, " for %s", domain->parts[domain->nr_parts - 1].text);
	tell_what_is_away(admission, domain->pool, host);
}

/* What the pool's other CPUs have, of which none has enough. */
static void tell_what_is_left(struct admission *admission, const struct admission_domain *domain, bool ceiling)
{
	const char *separator = "; left: ";
	size_t i;

	for (i = 0; i < admission->nr_domains; i++) {
		const struct admission_domain *other = &admission->domains[i];

		if (other == domain || other->pool != domain->pool)
			continue;
		admitting_tell(admission, "%s%.4f on CPU %d", separator, fraction_double(left(other, ceiling)),
		     cpus_next(&other->cpus, 0));
		separator = ", ";
	}
}

/* Ceilings are no matter of reservations; nor is the fair server, of which they have their time, one of all time. */
static void tell_sum(struct admission *admission, const struct admission_domain *domain, bool time)
{
	const enum admission_kind beside = time ? ADMISSION_FAIR_SERVER : ADMISSION_CEILING;
	const char *separator = "";
	size_t i;

	for (i = 0; i < domain->nr_parts; i++) {
		if (domain->parts[i].kind == beside)
			continue;
		admitting_tell(admission, "%s%s = %.4f", separator, domain->parts[i].text, fraction_double(domain->parts[i].sum));
		separator = " + ";
	}
	if (time)
		admitting_tell(admission, " makes %.4f, and there is no more than %.4f", fraction_double(domain->promised),
			       (double)cpus_count(&domain->cpus));
	else
		admitting_tell(admission, " makes %.4f, and the limit is %.4f", fraction_double(domain->sum), fraction_double(domain->room));
}

void admitting_refuse(struct admission *admission, const struct admission_domain *domain, const struct policy *policy,
		      const struct vms *vms, const struct wanted_host *host)
{
	const bool time = fraction_compare(domain->sum, domain->room) <= 0;
	char *list;

	if (cpus_empty(&domain->cpus)) {
		tell_no_cpu(admission, domain, host);
		return;
	}
	list = cpus_print(&domain->cpus);
	admitting_tell(admission, "no room on CPU %s: ", list ? list : "?");
	tell_sum(admission, domain, time);
	tell_what_is_left(admission, domain, time);
	tell_what_is_away(admission, domain->pool, host);
	tell_what_fits(admission, domain, policy, vms);
	free(list);
}
