/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_SLICE_H
#define ANKLUME_SLICE_H

/*
 * A short time slice for the calling thread: on busy CPUs one that wakes up runs before those that
 * have longer slices, and gets no more time in all (Linux 6.12, kernel/sched/fair.c: custom
 * slices, PREEMPT_SHORT). An older kernel takes no notice. A thread that the administrator has
 * given another policy than SCHED_OTHER is left alone. 0, or -errno: it stays as it was.
 */
int slice_shorten(void);

#endif
