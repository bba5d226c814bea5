/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state.h"

#include "checksum.h"
#include "journal.h"
#include "livevol.h"
#include "node.h"
#include "openfile.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

static const char magic[8] = "ANKLUME";

#define HEADER_BYTES 4096

static const struct region {
	size_t element_size;
	size_t n_max;
} regions[STATE_REGIONS] = {
	[STATE_NODES] = {sizeof(struct node), NODES_MAX},
	[STATE_FILES] = {sizeof(struct openfile), OPENFILES_MAX},
	[STATE_VOLUMES] = {sizeof(struct livevol), LIVEVOLS_MAX},
	[STATE_JOURNAL] = {sizeof(struct journal_entry), JOURNAL_ENTRIES},
};

static size_t region_bytes(enum state_region region)
{
	size_t n = regions[region].element_size * regions[region].n_max;

	return (n + HEADER_BYTES - 1) / HEADER_BYTES * HEADER_BYTES;
}

static size_t region_offset(enum state_region region)
{
	size_t at = HEADER_BYTES;

	for (int i = 0; i < (int)region; i++)
		at += region_bytes(i);
	return at;
}

static size_t total_bytes(void)
{
	return region_offset(STATE_REGIONS);
}

void *state_region(const struct state *s, enum state_region region)
{
	return (char *)s->header + region_offset(region);
}

static uint32_t header_check(const struct state_header *h)
{
	return checksum_add(CHECKSUM_SEED, h, offsetof(struct state_header, check));
}

static int map(struct state *s, int fd, bool is_private, struct error *err)
{
	int flags = MAP_NORESERVE | (is_private ? MAP_PRIVATE : MAP_SHARED);
	void *memory = mmap(NULL, total_bytes(), PROT_READ | PROT_WRITE, flags, fd, 0);

	if (memory == MAP_FAILED)
		return error_errno(err, -errno, "cannot map the state");
	s->header = memory;
	s->fd = fd;
	return 0;
}

int state_create(
	struct state *s, const struct state_identity *who, uint32_t epoch, struct error *err)
{
	cleanup_fd int fd = memfd_create("anklume-fs", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct state_header *h;
	int r;

	if (fd < 0 || ftruncate(fd, (off_t)total_bytes()) < 0)
		return error_errno(err, -errno, "cannot make the state");
	/* Its size is what keeps every later mapping of it from a bus error. */
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return error_errno(err, -errno, "cannot seal the state");
	r = map(s, fd, false, err);
	if (r < 0)
		return r;
	steal_fd(&fd);

	h = s->header;
	memcpy(h->magic, magic, sizeof(magic));
	h->version = STATE_VERSION;
	h->compat = STATE_COMPAT;
	for (int i = 0; i < STATE_REGIONS; i++)
		h->element_sizes[i] = (uint32_t)regions[i].element_size;
	h->base_dev = who->base_dev;
	h->base_ino = who->base_ino;
	h->is_plain = who->is_plain;
	h->epoch = epoch;
	h->check = header_check(h);
	h->owner = getpid();
	return 0;
}

static int check_layout(const struct state_header *h, struct error *err)
{
	if (h->compat > STATE_VERSION)
		return error_set(err, -EPROTO,
			"the state is of version %u, and this program reads %u at most", h->version,
			STATE_VERSION);
	for (int i = 0; i < STATE_REGIONS; i++) {
		if (h->element_sizes[i] != regions[i].element_size)
			return error_set(err, -EPROTO,
				"the state (version %u) is laid out in another way", h->version);
	}
	return 0;
}

static int check_header(const struct state_header *h, const struct state_identity *who,
	uint32_t *ret_epoch, struct error *err)
{
	/* A damaged one may still tell the truth here; if not, the odds are what is left. */
	*ret_epoch = (h->epoch + 1) % SLOT_EPOCHS;
	if (memcmp(h->magic, magic, sizeof(magic)) != 0 || h->check != header_check(h))
		return error_set(err, -EUCLEAN, "the state is damaged");
	if (h->base_dev != who->base_dev || h->base_ino != who->base_ino ||
		h->is_plain != who->is_plain)
		return error_set(err, -EXDEV, "the state is of another base");
	return check_layout(h, err);
}

/* For a state of which nothing is known: the odds are that it is another than the last. */
static uint32_t any_epoch(void)
{
	uint32_t x;

	return getrandom(&x, sizeof(x), 0) == sizeof(x) ? x % SLOT_EPOCHS : 1;
}

int state_adopt(struct state *s, int taken_fd, bool is_private, const struct state_identity *who,
	uint32_t *ret_epoch, struct error *err)
{
	cleanup_fd int fd = taken_fd;
	struct stat st;
	int r;

	*ret_epoch = any_epoch();
	if (fd < 0)
		return error_set(err, -EUCLEAN, "the holder does not have the state");
	if (fstat(fd, &st) < 0)
		return error_errno(err, -errno, "the state");
	if ((size_t)st.st_size < HEADER_BYTES)
		return error_set(err, -EUCLEAN, "the state is damaged: %jd bytes long",
			(intmax_t)st.st_size);
	if ((size_t)st.st_size != total_bytes())
		return error_set(err, -EPROTO, "the state is laid out in another way");

	r = map(s, fd, is_private, err);
	if (r < 0)
		return r;
	steal_fd(&fd);
	r = check_header(s->header, who, ret_epoch, err);
	if (r < 0)
		state_finish(s);
	return r;
}

void state_finish(struct state *s)
{
	if (!s->header)
		return;
	munmap(s->header, total_bytes());
	close(s->fd);
	s->header = NULL;
	s->fd = -1;
}
