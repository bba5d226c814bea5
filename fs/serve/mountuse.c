/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mountuse.h"

#include "fdio.h"
#include "str.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define NAMESPACES_MAX 4096
#define MOUNTINFO_MAX (16 * 1024 * 1024)

char *mountuse_find(char *mountinfo, unsigned int major, unsigned int minor)
{
	char *save = NULL;

	for (char *line = strtok_r(mountinfo, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		unsigned int maj, min;
		int start = 0;
		size_t len;

		/* id, parent, device, root: proc_pid_mountinfo(5) */
		if (sscanf(line, "%*u %*u %u:%u %n", &maj, &min, &start) < 2 || start == 0)
			continue;
		len = strcspn(line + start, " ");
		if (maj == major && min == minor && !(len == 1 && line[start] == '/'))
			return strndup(line + start, len);
	}
	return NULL;
}

struct seen {
	ino_t items[NAMESPACES_MAX];
	size_t n;
};

/* One process tells for all in its mount namespace. */
static bool is_new(struct seen *seen, int proc_fd, const char *pid)
{
	char path[288];
	struct stat st;

	snprintf(path, sizeof(path), "%s/ns/mnt", pid);
	if (fstatat(proc_fd, path, &st, 0) < 0)
		return false;
	for (size_t i = 0; i < seen->n; i++)
		if (seen->items[i] == st.st_ino)
			return false;
	if (seen->n < NAMESPACES_MAX)
		seen->items[seen->n++] = st.st_ino;
	return true;
}

static int check_process(
	int proc_fd, const char *pid, const struct stat *mount_st, struct error *err)
{
	cleanup_free char *text = NULL;
	cleanup_free char *root = NULL;
	char path[288];
	size_t len;

	snprintf(path, sizeof(path), "%s/mountinfo", pid);
	if (read_file(proc_fd, path, MOUNTINFO_MAX, &text, &len) < 0)
		return 0; /* it has ended */
	root = mountuse_find(text, major(mount_st->st_dev), minor(mount_st->st_dev));
	if (!root)
		return 0;
	str_make_printable(root);
	return error_set(err, -EBUSY,
		"'%s' is bound elsewhere, as process %s sees it\n"
		"  stop the containers that use the mount first",
		root, pid);
}

int mountuse_check(const char *mount, struct error *err)
{
	cleanup_free struct seen *seen = calloc(1, sizeof(*seen));
	cleanup_dir DIR *proc = opendir("/proc");
	const struct dirent *entry;
	struct stat st;
	int r = 0;

	if (!seen || !proc)
		return error_set(err, -ENOMEM, "cannot look who uses '%s'", mount);
	if (stat(mount, &st) < 0)
		return error_errno(err, -errno, "'%s'", mount);
	while (r == 0 && (entry = readdir(proc))) {
		uint32_t pid;

		if (parse_u32(entry->d_name, &pid) == 0 && is_new(seen, dirfd(proc), entry->d_name))
			r = check_process(dirfd(proc), entry->d_name, &st, err);
	}
	return r;
}
