/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "awake.h"

#include "cleanup.h"
#include "log.h"

#include <fcntl.h>
#include <glob.h>
#include <string.h>

#define DEVICE "/dev/cpu_dma_latency"
#define NO_LIMIT_US 2000000000 /* PM_QOS_CPU_LATENCY_DEFAULT_VALUE */

/*
 * The request is for all CPUs at once. On a big machine that keeps many from sleeping for the sake
 * of two, and each change of mind interrupts all of them.
 */
#define CPUS_MAX 16

static bool file_begins_with(const char *path, const char *text)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buf[32] = "";

	return fd >= 0 && read(fd, buf, sizeof(buf) - 1) > 0 &&
	       strncmp(buf, text, strlen(text)) == 0;
}

static bool is_on_battery(void)
{
	glob_t found;
	bool is = false;

	if (glob("/sys/class/power_supply/*/status", 0, NULL, &found) != 0)
		return false;
	for (size_t i = 0; i < found.gl_pathc; i++)
		is = is || file_begins_with(found.gl_pathv[i], "Discharging");
	globfree(&found);
	return is;
}

static void limit(struct awake *a, int32_t us)
{
	if (write(a->fd, &us, sizeof(us)) != sizeof(us))
		log_debug("'" DEVICE "' takes no limit");
}

void awake_init(struct awake *a, bool wanted)
{
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);

	*a = (struct awake){.fd = -1};
	pthread_mutex_init(&a->lock, NULL);
	if (!wanted || n_cpus < 2 || n_cpus > CPUS_MAX)
		return;
	/* Without a driver a CPU only knows one way to sleep. */
	if (file_begins_with("/sys/devices/system/cpu/cpuidle/current_driver", "none"))
		return;
	a->fd = open(DEVICE, O_WRONLY | O_CLOEXEC);
	if (a->fd >= 0)
		limit(a, NO_LIMIT_US); /* opened, it counts as 0 */
}

void awake_finish(struct awake *a)
{
	if (a->fd >= 0)
		close(a->fd);
	pthread_mutex_destroy(&a->lock);
}

static void set(struct awake *a, bool on)
{
	pthread_mutex_lock(&a->lock);
	if (a->is_on != on) {
		limit(a, on ? 0 : NO_LIMIT_US);
		__atomic_store_n(&a->is_on, on, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&a->lock);
}

void awake_begin(struct awake *a)
{
	if (a->fd < 0 || __atomic_load_n(&a->is_on, __ATOMIC_RELAXED) || is_on_battery())
		return;
	set(a, true);
}

void awake_end(struct awake *a)
{
	if (a->fd >= 0 && __atomic_load_n(&a->is_on, __ATOMIC_RELAXED))
		set(a, false);
}
