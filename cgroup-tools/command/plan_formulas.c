// SPDX-License-Identifier: GPL-2.0
/* What the columns of a plan are computed by. */
#include "command/plan.h"

#define PAPER_2011 "Cucinotta, Checconi, Giani 2011"
#define PAPER_2016 "Rizzo et al. 2016"
#define KERNEL_TEXT "sched-spare.rst"
#define LAWS "integral of P(delay > x), latency.h"
#define RING_LAWS "derived, ring.h; P and C changed over for a producer"

static const struct formula {
	enum plan_topic topic;
	const char *column, *text, *source;
} formulas[] = {
	{ PLAN_VMS, "FITS", "sum Q/P + units Qs/Ps + fair server <= limit of each CPU", KERNEL_TEXT ", 4" },
	{ PLAN_VMS, "MEAN", "D^2/2P alone, D^2/P beside others; D = P-Q", LAWS },
	{ PLAN_VMS, "RANDOM", "7D^2/12P beside others when each place of the budget is as likely", LAWS },
	{ PLAN_VMS, "WORST", "D alone, 2D beside others", PAPER_2011 ", 2, figures 1 and 2" },
	{ PLAN_LOANS, "POOL MEAN", "at most the mean of min(delay, Ps-Qs)", LAWS },
	{ PLAN_LOANS, "FIRST", "Ps-Qs, with a fresh unit", KERNEL_TEXT ", 2.1" },
	{ PLAN_LOANS, "WHOLE", "Ps for all of Qs, with a fresh unit", PAPER_2011 ", 2; " KERNEL_TEXT ", 2.1" },
	{ PLAN_LOANS, "DRAINED", "2Ps-Qs for all of Qs, with a unit just returned", KERNEL_TEXT ", 2.2" },
	{ PLAN_LOANS, "MOST", "U+(1-U)Us+Qs(1-Us)/P, U+Us at most; U = Q/P, Us = Qs/Ps", KERNEL_TEXT ", 3.4" },
	{ PLAN_CHARGE, "MOST", "Q/P+2Qs/window of 1s, with charge", KERNEL_TEXT ", 3.4" },
	{ PLAN_LOANS, "TARGET", "WORST, DRAINED or WHOLE <= target: always, unit free, fresh unit", "the columns named" },
	{ PLAN_EVENTS, "LOAD", "A = N rate (1-U) hold, on the CPU where it is largest", "offered traffic, Erlang 1917" },
	{ PLAN_EVENTS, "LOAD", "with --live: A = N L/(N-L-W), L = loans x hold/time, W = waited/time, the same on each CPU; hold = b + floor(b/Qs)(Ps-Qs) for b borrowed a loan", "measured" },
	{ PLAN_EVENTS, "SEEN", "with --live: waits of loans", "measured" },
	{ PLAN_EVENTS, "BLOCKED", "B(A,m) = A B(A,m-1)/(m + A B(A,m-1)), B(A,0) = 1", "Erlang-B, Erlang 1917" },
	{ PLAN_EVENTS, "FEW VMS", "as B, with (N-m)A/N for A", "Engset 1918, for N VMs" },
	{ PLAN_EVENTS, "WAITS", "C = m B/(m-A(1-B))", "Erlang-C, Erlang 1917" },
	{ PLAN_EVENTS, "FEW WAIT", "sum k>=m w(k)/sum w(k), w(0) = 1, w(k+1) = w(k) (N-1-k) A/(N min(k+1,m)), k < N", "Palm 1943, for N VMs" },
	{ PLAN_EVENTS, "MEAN WAIT", "C hold/(m-A)", "Erlang-C, Erlang 1917" },
	{ PLAN_EVENTS, "NEEDED", "smallest m that blocks, or lets wait, no more than the target; COST and FITS for few VMs", "Erlang-B, Engset, Palm" },
	{ PLAN_EVENTS, "NEEDED", "with --live: for A (1+2/sqrt(loans)), two standard deviations above what was measured", "Poisson" },
	{ PLAN_RINGS, "REGIME", "A = (L-kP)WP-WC, B = (L-kC)WC-WP", PAPER_2016 ", table 1" },
	{ PLAN_RINGS, "SLOTS", "kP+1+floor((s+gap+WC)/WP), + D(1/WP-Us/WC) for Us <= DEMAND", RING_LAWS },
	{ PLAN_RINGS, "DEMAND", "(WC+(s+NC)/m)/WP, m = floor((s+(kP-1)WC)/(WP-WC))+kP", RING_LAWS },
	{ PLAN_RINGS, "ADVICE", "Us = 3/2 DEMAND, or half way from DEMAND to the room", RING_LAWS },
	{ PLAN_RINGS, "ADVICE", "Ps <= min((L-kP)WP-WC-s, target)/(beta(1-Us)), 2c/Ps <= overhead, Ps >= 100us", RING_LAWS },
	{ PLAN_RINGS, "LEAST SLOTS", "as SLOTS, for that Us and the shortest Ps", RING_LAWS },
};

json_t *plan_formula_rows(unsigned int topics)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(formulas); i++)
		if (topics & formulas[i].topic)
			rows = plan_append(rows, json_pack("{s:s, s:s, s:s}", "column", formulas[i].column, "formula",
						      formulas[i].text, "source", formulas[i].source));
	return rows;
}
