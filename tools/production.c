/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "production.h"

#include <fcntl.h>
#include <string.h>

#include "fdio.h"
#include "naming.h"
#include "str.h"

#define FILE_MAX 64

/* The one word in PATH, "" when there is no such file. */
static int read_word(const char *path, char **ret, struct error *err)
{
	cleanup_free char *data = NULL;
	size_t len;
	int r = read_file(AT_FDCWD, path, FILE_MAX, &data, &len);

	if (r == -ENOENT)
		data = strdup("");
	else if (r < 0)
		return error_errno(err, r, "cannot read '%s'", path);
	if (!data)
		return error_set(err, -ENOMEM, "out of memory");

	data[strcspn(data, " \t\r\n")] = '\0';
	*ret = steal_ptr(&data);
	return 0;
}

/* "/etc/anklume/absolute_level" -> "/etc/anklume/yolo" */
static char *yolo_path(const char *level)
{
	const char *slash = strrchr(level, '/');
	char *path;

	if (asprintf(&path, "%.*syolo", slash ? (int)(slash + 1 - level) : 0, level) < 0)
		return NULL;
	return path;
}

int production_check(const struct cmd_env *env, struct error *err)
{
	const char *level_path = env->level ? env->level : NAMING_LEVEL_FILE;
	cleanup_free char *path = yolo_path(level_path);
	cleanup_free char *level = NULL;
	cleanup_free char *yolo = NULL;
	int r;

	if (!path)
		return error_set(err, -ENOMEM, "out of memory");
	r = read_word(level_path, &level, err);
	if (r == 0)
		r = read_word(path, &yolo, err);
	if (r < 0)
		return r;

	if (strcmp(level, "0") != 0 || strcmp(yolo, "true") == 0)
		return 0;
	return error_set(err, CMD_REFUSED,
		"this is a production host: '%s' says 0\n"
		"  --force flushes it all the same, and what is protected there;\n"
		"  'true' in '%s' allows it",
		level_path, path);
}
