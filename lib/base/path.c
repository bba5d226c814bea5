/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "path.h"

#include "cleanup.h"

#include <string.h>

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool name_is_valid(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > NAME_LENGTH_MAX)
		return false;
	if (!is_name_char(name[0]) || !is_name_char(name[n - 1]))
		return false;

	for (size_t i = 0; i < n; i++) {
		if (!is_name_char(name[i]) && name[i] != '-')
			return false;
	}
	return true;
}

static bool is_dot_component(const char *p, size_t n)
{
	return (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.');
}

bool path_is_clean_absolute(const char *path)
{
	if (path[0] != '/')
		return false;

	for (const char *p = path; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	}

	for (const char *p = path; *p;) {
		size_t n;

		p += strspn(p, "/");
		n = strcspn(p, "/");
		if (is_dot_component(p, n))
			return false;
		p += n;
	}
	return true;
}

char *path_normalise(const char *path)
{
	char *copy = malloc(strlen(path) + 2);
	char *out = copy;

	if (!copy)
		return NULL;

	for (const char *p = path; *p; p++) {
		if (*p == '/' && out > copy && out[-1] == '/')
			continue;
		*out++ = *p;
	}
	if (out > copy + 1 && out[-1] == '/')
		out--;
	*out = '\0';
	return copy;
}

char *path_make_absolute(const char *path)
{
	cleanup_free char *cwd = NULL;
	char *text;

	if (path[0] == '/')
		return strdup(path);
	cwd = getcwd(NULL, 0);
	if (!cwd || asprintf(&text, "%s/%s", cwd, path) < 0)
		return NULL;
	return text;
}

bool path_is_inside(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strcmp(dir, "/") == 0)
		return path[0] == '/';
	return strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/');
}
