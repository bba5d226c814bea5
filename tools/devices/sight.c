/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sight.h"

#include "path.h"
#include "str.h"

#include <string.h>
#include <sys/vfs.h>

static const char *const words[] = {
	[SIGHT_GOOD] = "good",
	[SIGHT_STALE] = "stale",
	[SIGHT_MISSING] = "missing",
	[SIGHT_WRONG_MODE] = "wrong-mode",
};

const char *sight_word(enum sight sight)
{
	return words[sight];
}

/* What a mount of SOURCE would be, as the host sees it. RET's strings are owned. */
static int expect(
	const char *source, const struct mount_list *outside, struct mount *ret, struct error *err)
{
	cleanup_free char *real = realpath(source, NULL);
	const struct mount *m = real ? mountinfo_holding(outside, real) : NULL;
	const char *rest;
	const char *root;
	struct statfs st;

	/* Names may come from the kernel's caches long after their filesystem died; this does not. */
	if (!real || statfs(real, &st) < 0)
		return error_errno(err, -errno, "source '%s'", source);
	if (!m)
		return error_set(err, -ENOENT, "source '%s' is on no mount", source);

	rest = real + (str_equal(m->point, "/") ? 0 : strlen(m->point));
	root = str_equal(m->root, "/") && *rest ? "" : m->root;
	*ret = (struct mount){.major = m->major, .minor = m->minor};
	if (asprintf(&ret->root, "%s%s", root, str_equal(rest, "/") ? "" : rest) < 0) {
		ret->root = NULL;
		return error_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

/*
 * Where the device should be seen: at its path, or where the instance's own symlinks lead
 * (/var/run -> /run), where the same source then is.
 */
static const struct mount *find(
	const struct mount_list *inside, const char *path, const struct mount *wanted)
{
	const struct mount *m = mountinfo_at(inside, path);

	for (size_t i = inside->n_items; !m && i > 0; i--) {
		if (mount_shows_same(&inside->items[i - 1], wanted))
			m = &inside->items[i - 1];
	}
	return m;
}

static bool wants_readonly(const struct device *device)
{
	const char *value = device_get(device, "readonly");

	return value && (str_equal(value, "true") || str_equal(value, "1"));
}

int sight_look(const struct device *device, const struct mount_list *inside,
	const struct mount_list *outside, enum sight *ret, struct error *err)
{
	const char *source = device_get(device, "source");
	const char *text = device_get(device, "path");
	cleanup_free char *path = text ? path_normalise(text) : NULL;
	const struct mount *seen;
	struct mount wanted = {0};
	int r;

	if (!source || !path)
		return error_set(err, -EINVAL, "device '%s' has no source and path", device->name);
	r = expect(source, outside, &wanted, err);
	if (r < 0)
		return r;

	seen = find(inside, path, &wanted);
	if (!seen)
		*ret = SIGHT_MISSING;
	else if (!mount_shows_same(seen, &wanted))
		*ret = SIGHT_STALE;
	else
		*ret = seen->is_readonly == wants_readonly(device) ? SIGHT_GOOD : SIGHT_WRONG_MODE;
	free(wanted.root);
	return 0;
}
