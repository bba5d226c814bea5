/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "matchers.h"

#include "compare.h"
#include "exec.h"

#include <fnmatch.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX "0123456789abcdef"

/* The results differ, but neither side has changed what the other has not. */
static bool equal_files(const char *native, const char *mount)
{
	return texts_equal(native + strcspn(native, "\n"), mount + strcspn(mount, "\n"));
}

bool match_refused_mode(const struct op *op, const char *native, const char *mount)
{
	const int sent = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;

	(void)native;
	return (op->num[1] & ~sent) && !fnmatch("= -1 EOPNOTSUPP*", mount, 0);
}

/* Offsets that ext4 cannot hold. */
bool match_beyond_base(const struct op *op, const char *native, const char *mount)
{
	bool is_far = false;

	for (int i = 0; i < OP_NUMS; i++)
		is_far |= op->num[i] >= 1LL << 43;
	return is_far && ((!fnmatch("= -1 E*", native, 0) && !fnmatch("= [0-9]*", mount, 0)) ||
				 !fnmatch("= -1 EOVERFLOW*", native, 0));
}

/* A size of whole blocks at P; *RET_END is behind it. */
static bool is_block_size(const char *p, const char **ret_end)
{
	char *end;
	unsigned long long size = strtoull(p, &end, 10);

	*ret_end = end;
	return end > p && size % 4096 == 0;
}

/* Equal, were it not for the sizes of directories; their entries are compared. */
bool match_directory_sizes(const struct op *op, const char *native, const char *mount)
{
	static const char size[] = " size ";
	const char *start = native;
	bool is_directory = false;

	(void)op;
	while (*native && *native == *mount) {
		int mode = mode_at(start, native);

		if (mode >= 0)
			is_directory = S_ISDIR(mode);
		if (is_directory && !strncmp(native, size, strlen(size)) &&
			!strncmp(mount, size, strlen(size))) {
			if (!is_block_size(native + strlen(size), &native) ||
				!is_block_size(mount + strlen(size), &mount))
				return false;
		} else {
			native++;
			mount++;
		}
	}
	return *native == *mount;
}

static bool is_last_page(const char *result)
{
	return !fnmatch("= 9223372036854771712*", result, 0);
}

bool match_misses_last_page(const struct op *op, const char *native, const char *mount)
{
	bool has_missed = !fnmatch("= -1 ENXIO*", native, 0) || !fnmatch("= -1 ENXIO*", mount, 0);

	return op->num[2] == SEEK_DATA && has_missed &&
	       (is_last_page(native) || is_last_page(mount));
}

/* btrfs takes a negative offset for the beginning, or for one beyond all data. */
bool match_data_before_start(const struct op *op, const char *native, const char *mount)
{
	return op->num[1] < 0 && op->num[2] == SEEK_DATA && !fnmatch("= -1 ENXIO*", native, 0) &&
	       !fnmatch("= 0*", mount, 0);
}

bool match_other_hole(const struct op *op, const char *native, const char *mount)
{
	const char *found = "= [0-9]*", *none = "= -1 ENXIO*";

	if (op->num[2] == SEEK_DATA && (!fnmatch(none, native, 0) || !fnmatch(none, mount, 0)))
		return true;
	return (op->num[2] == SEEK_HOLE || op->num[2] == SEEK_DATA) && !fnmatch(found, native, 0) &&
	       !fnmatch(found, mount, 0);
}

/* What is hidden needs no room. */
bool match_hides_more(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return !fnmatch("= [0-9]*", mount, 0) && equal_files(native, mount) &&
	       (!fnmatch("= -1 ERANGE*", native, 0) ||
		       (!fnmatch("= [0-9]*", native, 0) && atoi(mount + 2) < atoi(native + 2)));
}

bool match_mapped_anyway(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return !fnmatch("= -1 E*", native, 0) && !fnmatch("= [0-9]*", mount, 0);
}

/* Equal, refusal and all, were it not for the contents of files. */
bool match_torn_write(const struct op *op, const char *native, const char *mount)
{
	static const char content[] = " content ";

	(void)op;
	if (!strstr(native, TORN_WRITE))
		return false;
	while (*native && *native == *mount) {
		bool is_content = !strncmp(native, content, strlen(content)) &&
				  !strncmp(mount, content, strlen(content));

		native += is_content ? strlen(content) + strspn(native + strlen(content), HEX) : 1;
		mount += is_content ? strlen(content) + strspn(mount + strlen(content), HEX) : 1;
	}
	return *native == *mount;
}

/* What the file contains now is not looked at, so it looks equal. */
bool match_torn_unseen(const struct op *op, const char *native, const char *mount)
{
	(void)mount;
	return op->quiet && strstr(native, TORN_WRITE);
}

bool match_lenient_copy(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return strstr(native, DIRECT_COPY) && !fnmatch("= [0-9]*", mount, 0) &&
	       (!fnmatch("= -1 EINVAL*", native, 0) || atol(native + 2) < atol(mount + 2));
}

bool match_no_ioctl(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return strstr(native, SPECIAL_FILE) && !fnmatch("= -1 ENOTTY*", mount, 0);
}

bool match_fixed_at_open(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	(void)mount;
	return strstr(native, ", fixed at open");
}

bool match_other_refusal(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return !fnmatch("= -1 E*", mount, 0) && !fnmatch("= -1 EPERM*", native, 0) &&
	       equal_files(native, mount);
}

bool match_nothing_to_do(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return !fnmatch("= 0*", mount, 0) && !fnmatch("= -1 EPERM*", native, 0) &&
	       equal_files(native, mount);
}

bool match_other_refusals(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return equal_files(native, mount);
}

bool match_refused_now(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return !fnmatch("= 0*", native, 0) && !fnmatch("= -1 EPERM*", mount, 0);
}

bool match_no_clone(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	(void)native;
	return !fnmatch("= -1 EOPNOTSUPP*", mount, 0);
}

bool match_no_attributes(const struct op *op, const char *native, const char *mount)
{
	(void)op;
	return !fnmatch("= 0 attributes *", native, 0) &&
	       !fnmatch("= 0 attributes 0 of 0*", mount, 0);
}
