/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_AWAKE_H
#define ANKLUME_AWAKE_H

/*
 * Keep idle CPUs from falling asleep while requests stream. Every request wakes two sleepers, the
 * worker and then the caller, and a CPU that must come back from its sleep first costs several
 * times what the request does. The means is the kernel's own: a PM quality-of-service request
 * through /dev/cpu_dma_latency (Linux, Documentation/power/pm_qos_interface.rst), which goes away
 * with the descriptor, also when the process is killed.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct awake {
	int fd; /* -1: cannot, or not wanted */
	uint32_t is_on; /* atomic; changed under the lock */
	pthread_mutex_t lock;
};

/* With WANTED, where the machine can: more than one CPU, a cpuidle driver, not on battery. */
void awake_init(struct awake *a, bool wanted);
void awake_finish(struct awake *a);

/* Both do nothing when it is so already. */
void awake_begin(struct awake *a);
void awake_end(struct awake *a);

#endif
