/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How many units a pool needs. Its VMs are struck by events at random and independently; broadcasts and aligned
 * periods break that. Which question is answered by which model:
 *
 *   how often are all units on loan when an event comes?     Erlang-B: any number of VMs, loans of any distribution
 *   the same for few VMs, each with one loan at a time       Engset
 *   how often and how long does a VM wait in the FIFO?       Erlang-C
 *   how often, for few VMs, each with one loan at a time     Palm
 *
 * The kernel lets a borrower wait and loses none, so Erlang-B, in which those who find no unit go away, is below
 * what is seen in a crowded pool, and Erlang-C above: it wants loans of exponentially distributed length, and those of
 * equal length wait about half as long. Where units are seldom all on loan the three agree.
 * A. K. Erlang 1917, T. Engset 1918, C. Palm 1943; V. B. Iversen, "Teletraffic Engineering Handbook", ITU-D 2/16.
 */
#ifndef DLSPARE_ERLANG_H
#define DLSPARE_ERLANG_H

#include "plan/fraction.h"

/* A = N lambda (1-U) h, in units: VMs, events/s of each, share of the CPU of each, seconds a loan is held. */
double erlang_load(unsigned int vms, double rate, struct fraction share, double hold);

/* B(A,m) = A B(A,m-1) / (m + A B(A,m-1)), B(A,0) = 1: all units are on loan. */
double erlang_blocking(double load, unsigned int units);

/*
 * E(N,a,m) = (N-m) a E(m-1) / (m + (N-m) a E(m-1)), E(0) = 1, a = A/N: an event finds all units on loan to others.
 * So it is 0 with a unit for each VM.
 */
double erlang_engset(unsigned int vms, double load, unsigned int units);

/* C(A,m) = m B / (m - A (1-B)): an event has to wait; 1 when the load is not below the units. */
double erlang_waiting(double load, unsigned int units);

/*
 * sum over k >= m of w(k) / sum of w(k), k = 0..N-1, w(0) = 1, w(k+1) = w(k) (N-1-k) a / min(k+1,m), a = A/N: the others that
 * have a loan or wait, as an event finds them. So it is 0 with a unit for each VM.
 */
double erlang_palm(unsigned int vms, double load, unsigned int units);

/*
 * A = N L/(N-L-W): what VMs offer of which L have a loan and W wait on average. Those ask for nothing meanwhile, so with too few
 * units L is far below A. Infinite when no VM is left to ask.
 */
double erlang_offered(unsigned int vms, double on_loan, double waiting);

/* A (1 + 2/sqrt(n)): two standard deviations above a load that was measured by n requests; of one alone three times. */
double erlang_likely(double load, double requests);

/* C h / (m-A), the mean wait over all events, in the unit of hold; infinite when the load is not below the units. */
double erlang_wait(double load, unsigned int units, double hold);

/* The fewest units, up to most, that block no more than target; 0: more are needed. */
unsigned int erlang_units(double load, double target, unsigned int most);
unsigned int erlang_units_engset(unsigned int vms, double load, double target, unsigned int most);
unsigned int erlang_units_palm(unsigned int vms, double load, double target, unsigned int most);

#endif
