/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the stress share; main.c says what it is about. */
#ifndef STRESS_H
#define STRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MS	1000000LL	/* ns */
#define US	1000LL
#define ROOT	"/sys/fs/cgroup/"
#define DEBUGFS	"/sys/kernel/debug/sched/"
#define CPUS_MAX 8
#define SLOTS	64
#define MIDS	4
#define LEAVES	2	/* groups below each of the first level */
#define GROUPS	(1 + MIDS + MIDS * LEAVES)
#define OWN_CPUS 3	/* g2, the group whose CPUs may be its own */
#define TAPS	4
#define LOCKS	2
#define WRITERS	4
#define BOOSTER_RUNTIME	(150 * US)
#define BOOSTER_PERIOD	(5 * MS)
#define FAIR_PERIOD	(100 * MS)
#define FAIR_RUNTIME	(5 * MS)
#define PERIOD_MAX	(10 * MS)

/*
 * A thread's bandwidth leaves at its 0-lag time. Its deadline is at most a
 * period away, or as many more as it takes to pay for loans.
 */
#define ZERO_LAG	(4 * PERIOD_MAX)

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

/* --- report.c: random numbers, clock, outcomes, the last words --- */

struct op {
	const char *name;
	void (*run)(void);
	unsigned int weight;
	const int *allowed;		/* errnos, ended by 0 */
	const char *missing;		/* why this kernel or machine has it not */
	int64_t took;			/* ns, all together */
	struct {
		int err;
		unsigned long n;
	} outcome[8];
};

extern uint64_t seed, prng;
extern unsigned long operations, operation;
extern bool real_time, verbose;
extern struct op *current_op;

uint64_t next_random(uint64_t *state);
uint32_t below_of(uint64_t *state, uint32_t n);
uint32_t below(uint32_t n);
bool chance(uint32_t percent);
int64_t now(void);
void pause_ns(int64_t ns);
int64_t patience(int64_t virtual_ms, int64_t real_ms);
void begin(const char *name);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void record(const char *text);
uint64_t record_digest(void);
void dump_file(const char *path);
void outcome(int err);
void outcome_of(struct op *op, int err);
unsigned long outcomes(const struct op *op, bool refused);
void show_outcomes(const struct op *op);

/* --- group.c: files, groups and what they count --- */

struct group {
	char name[32];
	bool exists, frozen;
	int parent;			/* -1: none */
};

enum { EVENTS, BORROWS, WAITS, REFUSED, DISPATCHES, BORROWED, WAITED, RETURNED, KEYS = RETURNED + 8 };

struct stat_values {
	unsigned long long value[KEYS], units, units_busy;
};

extern struct group groups[GROUPS];
extern const char *const keys[KEYS];

int put(const char *path, const char *text);
void must_put(const char *path, const char *text);
size_t get(const char *path, char *text, size_t size);
unsigned long long read_number(const char *path);
const char *path_of(int group, const char *file);
int group_some(bool leaf);
int group_make(int group);
int group_remove(int group);
bool group_is_isolated(int group);
void groups_set_up(void);
void groups_thaw(void);
void groups_await_dead(void);
void read_stat(int group, struct stat_values *stat);
void check_monotone(const struct stat_values *stat);
unsigned long long sum_of_returns(const struct stat_values *stat);

/* --- tap.c --- */

void tap_open(int tap);
void tap_delete(int tap);
int tap_send(int tap, int packets);

/* --- machine.c: CPUs, partitions, limits --- */

extern unsigned int nr_cpus, first_cpu, last_cpu;	/* t has those from first to last */
extern bool online[CPUS_MAX];
extern bool rt_unlimited;
extern bool own_cpus;			/* g2 has other CPUs than t */
extern bool smt;

int set_fair_server(unsigned int cpu, int64_t runtime);
void machine_set_up(void);
void machine_restore(void);
bool any_offline(void);
unsigned int all_cpus(void);
unsigned int cpu_list(const char *text);
int set_online(unsigned int cpu, bool on);

/* --- borrower.c, guest.c: what the processes of slots do --- */

enum kind { SPIN, BLOCK, YIELD, NAP, LOCK, PIN, TOUCH, MIX, KINDS };
enum policy { OTHER, FIFO, DEADLINE };

/* What a borrower and the main program share. */
struct shared {
	_Atomic uint32_t kind;		/* enum kind */
	_Atomic uint32_t calm;		/* no reservation limits it: sleep a lot */
	_Atomic uint32_t ready;
	_Atomic uint32_t wake;		/* futex that ends a block */
	_Atomic uint32_t twin;		/* thread id of the second thread, 0 if none */
	_Atomic uint32_t progress;
	_Atomic int error;		/* why a guest could not be made */
	_Atomic uint32_t threads;	/* a bit each */
	_Atomic uint32_t steady;	/* to spin, whatever the kind */
	_Atomic uint32_t awake;		/* bits of those that do not block as long as that stays */
	_Atomic int uffd;		/* its userfaultfd */
};

struct common {
	uint8_t wish[SLOTS][4096];	/* what guests are to do, a page each: guest.c */
	struct shared slot[SLOTS];
	/* What borrowers have done; of whoever was in the slot. */
	_Atomic uint32_t pins[SLOTS], touches[SLOTS][2];	/* from user and kernel mode */
	_Atomic uint32_t lock[LOCKS];	/* PI futexes */
	_Atomic uint32_t ask;		/* futex: what the boosters are to lock, counted */
	_Atomic uint32_t boosts;	/* how often a booster had to wait for a lock */
	_Atomic uint32_t lock_errors;
	_Atomic uint32_t steady;	/* a booster gets its class: it must not block */
};

extern struct common *common;

void common_set_up(void);
long futex(_Atomic uint32_t *word, int op, uint32_t value);
void spin(int units);
void borrower_run(struct shared *me, uint32_t bit, uint64_t state) __attribute__((noreturn));
void booster_run(void) __attribute__((noreturn));
uint8_t *pages_make(struct shared *me);
void twin_start(struct shared *me, uint64_t state);
enum { WISH_HALT = 1, WISH_PAGE = 2, WISH_IRQS = 4 };
void guest_run(struct shared *me, int kick, uint8_t *wishes, uint8_t *page) __attribute__((noreturn));

/* --- slot.c: processes of borrowers, and their classes --- */

struct slot {
	struct shared *shared;
	pid_t pid;			/* 0: nobody */
	bool dying, stopped, guest;
	enum { UNTRACED, TRACED, TRAPPED } traced;
	pid_t tracee;			/* the thread of it that is traced */
	enum policy policy;
	int group;
	int kick;			/* eventfd: interrupts the guest */
	int uffd;			/* main's own of its userfaultfd; -1: none yet */
	unsigned long long bw, twin_bw;	/* admitted */
	int64_t left;			/* when it left SCHED_DEADLINE; 0: never */
};

/* As sched_setattr() has it. */
struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

extern struct slot slots[SLOTS];
extern int crowd;			/* slots in use */
extern bool may_block;			/* borrowers may */
extern int64_t last_left;		/* when a deadline thread last left its class */
extern pid_t boosters[2];		/* one under SCHED_DEADLINE, one under SCHED_FIFO */

unsigned long long to_ratio(unsigned long long period, unsigned long long runtime);
struct attr random_reservation(void);
int set_attr(pid_t tid, const struct attr *attr);
int set_affinity(int slot, unsigned int cpus);
int move(pid_t pid, int group);
bool alive(int slot);
int some_slot(void);
void reap(void);
void await_reaped(void);
void spawn(int slot);
void kill_slot(int slot);
int trace(int slot, unsigned int choice);
void stop_slot(int slot, bool stop);
void let_go(int slot);		/* who is stopped, trapped or waits for a page goes on */
void let_all_go(void);		/* so do those in frozen groups */
void fill_pages(int slot);
bool make_steady(int slot);
void make_restless(int slot);
int slot_class(int slot, enum policy policy);
void wake_slot(int slot);
void set_kind(int slot, enum kind kind);
void show_slots(void);
void start_booster(int i, enum policy policy, bool must);
void stop_booster(int i);
int64_t zero_lag(void);

/* --- bandwidth.c --- */

long long bandwidth_beyond(void);
void audit_bandwidth(void);
void show_bandwidth(void);
void check_bandwidth(const char *when);

/* --- operations: run.c chooses, op_*.c do --- */

extern unsigned long moved_across;	/* threads, between partitions */
extern struct op ops[], rebuild_ops[];

void run_op(struct op *op);
void run_quiet_op(void);
struct op *op_named(const char *name);
void await_zero_lag(void);

void op_spawn(void), op_kill(void), op_event(void), op_burst(void), op_kick(void), op_wake(void);
void op_kind(void), op_boost(void), op_pause(void), op_stop(void), op_trace(void), op_page(void);
void op_class(void), op_parameters(void), op_affinity(void), op_move(void);
void op_same(void), op_changed(void), op_uclamp(void), op_setnuma(void), op_cookie(void), op_requeue(void);
void op_borrow(void), op_pool(void), op_no_pool(void), op_stat(void), op_dev(void), op_tap_again(void);
void op_group(void), op_freeze(void), op_churn(void);
void op_rt_runtime(void), op_hrtick(void), op_fair_server(void), op_scx(void), op_rebuild(void);
void op_hotplug(void), op_partition(void);

/* What may be written to a group's files. */
void borrow_text(uint64_t *state, bool widest, char *text);
void pool_text(uint64_t *state, char *text);

/* --- writer.c: four processes that write to the groups at the same time --- */

void writers_set_up(void);
void writers_end(void);
void writers_pools(void (*each)(const char *path, void *arg), void *arg);

/* --- scx.c: a BPF scheduler without a program; why there is none, or NULL --- */

const char *scx_set_up(void);
int scx_switch(bool on);

/* --- checkpoint.c --- */

void check_all(bool last);
void populate(void);

#endif
