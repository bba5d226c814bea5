/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attempts.h"

#include "cleanup.h"
#include "restarts.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC UINT32_C(0x616e6b61) /* "anka" */

int attempts_map(int fd, struct attempts **ret)
{
	struct attempts *a;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size != (off_t)sizeof(*a))
		return -EUCLEAN;
	a = mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (a == MAP_FAILED)
		return -errno;
	if (a->magic != MAGIC) {
		munmap(a, sizeof(*a));
		return -EUCLEAN;
	}
	*ret = a;
	return 0;
}

int attempts_make(int *ret_fd, struct attempts **ret)
{
	const struct attempts empty = {.magic = MAGIC};
	cleanup_fd int fd = memfd_create(ATTEMPTS_NAME, MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	if (write(fd, &empty, sizeof(empty)) != (ssize_t)sizeof(empty))
		return -ENOSPC;
	r = attempts_map(fd, ret);
	if (r == 0)
		*ret_fd = steal_fd(&fd);
	return r;
}

unsigned int attempts_begin(struct attempts *a, int64_t now_ms)
{
	unsigned int n_failed = __atomic_load_n(&a->n_begun, __ATOMIC_ACQUIRE);

	if (n_failed > 0 && now_ms - a->began_ms > ATTEMPTS_PATIENCE_MS)
		n_failed = restarts_use_up(n_failed);
	a->began_ms = now_ms;
	__atomic_store_n(&a->n_begun, n_failed + 1, __ATOMIC_RELEASE);
	return n_failed;
}

void attempts_ready(struct attempts *a)
{
	__atomic_store_n(&a->n_begun, 0, __ATOMIC_RELEASE);
}
