/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "caller.h"

#include "cleanup.h"
#include "creds.h"
#include "fdio.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define PAYLOAD "lxc.payload."
#define CGROUP_TEXT_MAX 16384
#define STATUS_MAX 16384 /* more than a thousand groups */

/* The first component of the path in one line "id:controllers:/path", NULL when it is "/". */
static const char *first_component(const char *line, size_t len, size_t *ret_len)
{
	const char *end = line + len;
	const char *p = memchr(line, ':', len);

	p = p ? memchr(p + 1, ':', end - p - 1) : NULL;
	if (!p || end - p < 3 || p[1] != '/')
		return NULL;

	p += 2;
	*ret_len = end - p;
	for (size_t i = 0; i < *ret_len; i++) {
		if (p[i] == '/')
			*ret_len = i;
	}
	return p;
}

enum policy_caller caller_from_cgroups(const char *text, const char *cgroup)
{
	size_t cgroup_len = strlen(cgroup);
	bool is_owner = false;

	for (const char *line = text; *line;) {
		size_t line_len = strcspn(line, "\n");
		size_t len = 0;
		const char *name = first_component(line, line_len, &len);

		if (name && len > strlen(PAYLOAD) && memcmp(name, PAYLOAD, strlen(PAYLOAD)) == 0) {
			if (len != cgroup_len || memcmp(name, cgroup, len) != 0)
				return CALLER_OTHER;
			is_owner = true;
		}
		line += line_len;
		line += *line == '\n';
	}
	return is_owner ? CALLER_OWNER : CALLER_OTHER;
}

/* Read /proc/PID/FILE into BUF, NUL-terminated. */
static int read_proc(pid_t pid, const char *file, char *buf, size_t len)
{
	char path[64];
	cleanup_fd int fd = -1;
	size_t used = 0;

	creds_rest(); /* it may be hidden from others: hidepid of proc(5) */
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	while (used + 1 < len) {
		ssize_t n = read(fd, buf + used, len - used - 1);

		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += n;
	}
	buf[used] = '\0';
	/* A text that fills the buffer may be cut: half of it proves nothing. */
	return used + 1 < len ? 0 : -EFBIG;
}

enum policy_caller caller_identify(pid_t pid, const char *cgroup)
{
	char text[CGROUP_TEXT_MAX];

	if (pid <= 0 || !cgroup)
		return CALLER_OTHER;
	if (read_proc(pid, "cgroup", text, sizeof(text)) < 0)
		return CALLER_OTHER;
	return caller_from_cgroups(text, cgroup);
}

static bool same_user_namespace(pid_t pid)
{
	char path[64];
	struct stat theirs, ours;

	creds_rest(); /* it is not for everybody: ptrace(2), PTRACE_MODE_READ_FSCREDS */
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	return stat(path, &theirs) == 0 && stat("/proc/self/ns/user", &ours) == 0 &&
	       theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

/* What follows "KEY:" on its line of /proc/PID/status, NULL when there is no such line. */
static const char *status_value(const char *text, const char *key)
{
	const char *line = strstr(text, key);

	return line ? line + strlen(key) : NULL;
}

static uint64_t effective_caps(const char *status)
{
	const char *caps = status_value(status, "\nCapEff:");

	return caps ? strtoull(caps, NULL, 16) : 0;
}

bool caller_is_admin(pid_t pid)
{
	char text[STATUS_MAX];

	if (pid <= 0 || !same_user_namespace(pid) ||
		read_proc(pid, "status", text, sizeof(text)) < 0)
		return false;
	return effective_caps(text) >> CAP_SYS_ADMIN & 1;
}

/* Is ID one of the numbers up to the end of the line? */
static bool has_id(const char *line, gid_t id)
{
	while (*line && *line != '\n') {
		char *end;
		unsigned long n = strtoul(line, &end, 10);

		if (end == line)
			return false;
		if (n == id)
			return true;
		line = end + strspn(end, " \t");
	}
	return false;
}

int caller_rights(pid_t pid, gid_t gid, struct caller_rights *ret)
{
	char text[STATUS_MAX];
	const char *uids, *gids, *groups;
	unsigned int fsuid, fsgid;
	uint64_t caps;
	int r;

	if (pid <= 0 || !same_user_namespace(pid))
		return -EOPNOTSUPP;
	r = read_proc(pid, "status", text, sizeof(text));
	if (r < 0)
		return r;

	/* Each: real, effective, saved, file system. */
	uids = status_value(text, "\nUid:");
	gids = status_value(text, "\nGid:");
	groups = status_value(text, "\nGroups:");
	if (!uids || !gids || !groups || sscanf(uids, "%*u %*u %*u %u", &fsuid) != 1 ||
		sscanf(gids, "%*u %*u %*u %u", &fsgid) != 1)
		return -EPROTO;

	caps = effective_caps(text);
	*ret = (struct caller_rights){.fsuid = fsuid,
		.is_member = fsgid == gid || has_id(groups + strspn(groups, " \t"), gid),
		.has_fowner = caps >> CAP_FOWNER & 1,
		.has_fsetid = caps >> CAP_FSETID & 1};
	return 0;
}

const char *caller_command(pid_t pid, char *buf, size_t len)
{
	if (pid <= 0 || read_proc(pid, "comm", buf, len) < 0)
		snprintf(buf, len, "?");
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}
