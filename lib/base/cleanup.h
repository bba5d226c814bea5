/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CLEANUP_H
#define ANKLUME_CLEANUP_H

/*
 * Scope-bound ownership: a variable marked cleanup_x releases what it owns when it goes out of
 * scope, and errno survives the release. Hand ownership on with steal_ptr() or steal_fd().
 */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Unused otherwise: clang would have such a variable read, gcc would not. */
#define cleanup_(fn) __attribute__((cleanup(fn), unused))

/* Define cleanup helper NAME for variables of TYPE, released with FN, which must take NULL. */
#define DEFINE_CLEANUP(name, type, fn)   \
	static inline void name(type *p) \
	{                                \
		int saved_errno = errno; \
		fn(*p);                  \
		errno = saved_errno;     \
	}

/* The same for a TYPE that is no pointer: FN takes its address, and one that is empty already. */
#define DEFINE_FINISH(name, type, fn)    \
	static inline void name(type *p) \
	{                                \
		int saved_errno = errno; \
		fn(p);                   \
		errno = saved_errno;     \
	}

static inline void cleanup_freep(void *p)
{
	int saved_errno = errno;

	free(*(void **)p);
	errno = saved_errno;
}

static inline void cleanup_closep(int *fd)
{
	int saved_errno = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved_errno;
}

static inline void cleanup_fclosep(FILE **f)
{
	int saved_errno = errno;

	if (*f)
		fclose(*f);
	errno = saved_errno;
}

static inline void cleanup_closedirp(DIR **d)
{
	int saved_errno = errno;

	if (*d)
		closedir(*d);
	errno = saved_errno;
}

#define cleanup_free cleanup_(cleanup_freep)
#define cleanup_fd cleanup_(cleanup_closep)
#define cleanup_file cleanup_(cleanup_fclosep)
#define cleanup_dir cleanup_(cleanup_closedirp)

static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void *steal_ptr_(void *pp)
{
	void **p = pp;
	void *taken = *p;

	*p = NULL;
	return taken;
}

/* Take the pointer out of *PP, leaving NULL behind, with the type kept. */
#define steal_ptr(pp) ((__typeof__(*(pp)))steal_ptr_(pp))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
