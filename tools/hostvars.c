/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hostvars.h"

#include "emit.h"
#include "fdio.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define HOSTVARS_MAX (16 * 1024 * 1024)
#define DEVICES_KEY "instance_devices:"

/* Ansible takes the last of two equal keys without a word: no second one may be made. */
static bool has_key_twice(const char *text)
{
	size_t n = 0;

	while (*text) {
		n += str_has_prefix(text, DEVICES_KEY);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return n > 1;
}

/* True when TEXT has the line that begins a managed block. */
static bool has_block(const char *text)
{
	const struct device_list none = {NULL, 0};
	cleanup_free char *block = emit_host_vars(&none);

	if (!block)
		return false;
	block[strcspn(block, "\n")] = '\0';
	return strstr(text, block) != NULL;
}

/* *RET is NULL when there is no such file. */
static int read_text(const char *path, char **ret, struct error *err)
{
	size_t len;
	int r = read_file(AT_FDCWD, path, HOSTVARS_MAX, ret, &len);

	if (r == -ENOENT) {
		*ret = NULL;
		return 0;
	}
	if (r < 0)
		return error_errno(err, r, "cannot read '%s'", path);
	if (strlen(*ret) != len)
		return error_set(err, -EBADMSG, "'%s' is not a text file", path);
	return 0;
}

/* The file stays its owner's, also when root replaces it. */
static int replace(const char *path, const char *text, struct error *err)
{
	struct stat st = {.st_mode = 0644, .st_uid = geteuid(), .st_gid = getegid()};
	int r;

	if (stat(path, &st) < 0 && errno != ENOENT)
		return error_errno(err, -errno, "cannot look at '%s'", path);

	r = write_file_atomic(AT_FDCWD, path, text, strlen(text), st.st_mode & 07777);
	if (r == 0 && (st.st_uid != geteuid() || st.st_gid != getegid()) &&
		lchown(path, st.st_uid, st.st_gid) < 0)
		r = -errno;
	return r < 0 ? error_errno(err, r, "cannot write '%s'", path) : 0;
}

/*
 * The file that PATH means, to be freed: a symlink leads to the one its owner keeps elsewhere, and
 * replacing the link would leave that one old.
 */
static int resolve(char **path, struct error *err)
{
	struct stat st;
	char *target;

	if (lstat(*path, &st) < 0 || !S_ISLNK(st.st_mode))
		return 0;

	target = realpath(*path, NULL);
	if (!target)
		return error_errno(err, -errno, "'%s' is a symlink that leads nowhere", *path);
	free(*path);
	*path = target;
	return 0;
}

int hostvars_write(const char *dir, const char *name, const struct device_list *devices,
	bool is_dry_run, bool *ret_changed, struct error *err)
{
	cleanup_free char *path = NULL;
	cleanup_free char *old = NULL;
	cleanup_free char *merged = NULL;
	int r;

	*ret_changed = false;
	if (asprintf(&path, "%s/%s.yml", dir, name) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	r = resolve(&path, err);
	if (r == 0)
		r = read_text(path, &old, err);
	if (r < 0)
		return r;
	if (devices->n_items == 0 && (!old || !has_block(old)))
		return 0;

	merged = emit_merge_host_vars(old, devices);
	if (!merged)
		return error_set(err, -ENOMEM, "out of memory");
	if (has_key_twice(merged))
		return error_set(
			err, -EEXIST, "'%s' sets instance_devices outside the managed block", path);

	*ret_changed = !old || strcmp(old, merged) != 0;
	return *ret_changed && !is_dry_run ? replace(path, merged, err) : 0;
}
