/* SPDX-License-Identifier: GPL-2.0 */
/* The programs of events.bpf.c in the running kernel: libbpf. They go when this process goes. */
#ifndef DLSPARE_OBSERVE_WATCH_H
#define DLSPARE_OBSERVE_WATCH_H

#include <sys/types.h>

#include "observe/hooks.h"
#include "observe/record.h"

struct watch;

/* Gets each record, those of one vCPU in the order of time but for a moment. False: it has no memory, and wants no more. */
typedef bool watch_take(const struct observe_record *record, void *data);

/*
 * Loads the programs, for who looks or for who lends; they see nothing yet. DONE, or another result of host/result.h and why in error. What has no
 * place in this kernel is no more among the hooks.
 */
int watch_open(struct watch **watch, struct hooks *hooks, bool lends, char error[RESULT_ERROR]);
/* Threads with the number vm are of one VM. NULL: there are too many. Else where it is counted, as it is counted. */
struct observe_thread *watch_add(struct watch *watch, pid_t tid, uint32_t vm, bool vcpu);
void watch_forget(struct watch *watch, pid_t tid);
/* From here on. As watch_open(). */
int watch_start(struct watch *watch, struct hooks *hooks, char error[RESULT_ERROR]);
/* Can be read when a lender is to know something at once. */
int watch_fd(const struct watch *watch);
/* Hands over what has come. 0, or -1 with errno. */
int watch_read(struct watch *watch, watch_take *take, void *data);
/* Sees nothing any more; what has come can still be read. */
void watch_stop(struct watch *watch);
void watch_close(struct watch *watch);

/* What was counted for a thread; all 0 for one that was not added. */
struct observe_thread watch_counts(const struct watch *watch, pid_t tid);
/* Records for which there was no room. */
uint64_t watch_lost(const struct watch *watch);
/* CPU time of the programs so far, ns; false: the kernel does not tell. */
bool watch_cost(const struct watch *watch, uint64_t *ns);

#endif
