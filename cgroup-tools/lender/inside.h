/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of loans.h share: pools, groups, borrowers. All of it with the lock, but for lists that one thread alone changes. */
#ifndef DLSPARE_LENDER_INSIDE_H
#define DLSPARE_LENDER_INSIDE_H

#include <pthread.h>

#include "lender/loans.h"
#include "lender/tally.h"
#include "lender/unit.h"

enum loan_state { LOAN_IDLE, LOAN_WAITS, LOAN_LENT, LOAN_DRAINED, LOAN_ENDS };

struct pool {
	char *group;
	struct supply supply;
	bool apart;			/* this process cannot be on its CPUs */
	struct unit **units;
	size_t nr_units;
	struct borrower *first, *last;	/* that wait, by their turn */
	bool there;			/* in the scene */
};

struct group {
	char *name;
	struct terms terms;
	struct pool *pool;
	struct tally tally;
	bool there;
};

struct borrower {
	pid_t tid;
	struct group *group;
	struct observe_thread *seen;	/* as the programs see it, and shared with them */
	enum loan_state state;
	struct unit *unit;
	struct borrower *next;		/* that waits */
	uint64_t asked;			/* the event that waits; 0: none */
	uint64_t waits_since;
	enum histogram_how how;		/* what has become of that */
	enum tally_count reason;	/* why its loan ends */
	bool served, answered;		/* it was dispatched on the loan; it has replied since the last event */
	unsigned int depleted;
	uint64_t ran;			/* its CPU time that is charged to the unit already */
	uint64_t patience;		/* its CPU time when it got something to do */
	uint64_t check;			/* whether it is quiet, or has lingered; 0: nobody waits for that */
	bool strays;			/* its pool is apart, and it can be on other CPUs than the pool's */
	uint64_t nr_events, nr_prompt;	/* of what was seen, those that the group has counted */
	bool there;
};

struct loans {
	pthread_mutex_t lock;
	struct watch *watch;
	int told;
	struct cpus own;		/* that this process may be on, at the last look */
	struct pool **pools;
	size_t nr_pools;
	struct group **groups;
	size_t nr_groups;
	struct borrower **borrowers;	/* by their numbers */
	size_t nr_borrowers;
};

extern struct loans loans;

static inline void loans_count(struct borrower *b, enum tally_count what, uint64_t nr)
{
	b->group->tally.counts[what] += nr;
}

/* Whatever it has or waits for in a pool comes back. */
void loans_give_up(struct borrower *b);
/* If it waits for budget, and nobody knows: its record had no room, there was no unit, or it has another pool now. */
void loans_ask_again(struct borrower *b);
/* What the programs have seen of it, and its group does not know yet. */
void loans_count_seen(struct borrower *b);

#endif
