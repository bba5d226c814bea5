/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "naming.h"

#include "fdio.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>

char *naming_source(const char *base, const char *domain, const char *machine, const char *volume)
{
	char *text;

	if (asprintf(&text, "%s/%s/%s/%s", base, domain, machine, volume) < 0)
		return NULL;
	return text;
}

char *naming_device(const char *volume)
{
	char *text;

	return asprintf(&text, PERSISTENT_DEVICE_PREFIX "%s", volume) < 0 ? NULL : text;
}

char *naming_cgroup(const char *project, const char *instance)
{
	char *text;
	int r;

	if (str_equal(project, "default"))
		r = asprintf(&text, "lxc.payload.%s", instance);
	else
		r = asprintf(&text, "lxc.payload.%s_%s", project, instance);
	return r < 0 ? NULL : text;
}

char *naming_prefix(const char *file)
{
	cleanup_free char *data = NULL;
	uint32_t level;
	size_t len;
	char *text;

	if (read_file(AT_FDCWD, file, 64, &data, &len) < 0)
		return strdup("");

	data[strcspn(data, " \t\r\n")] = '\0';
	if (parse_u32(data, &level) < 0 || level > 999)
		return strdup("");
	return asprintf(&text, "%03u-", level) < 0 ? NULL : text;
}
