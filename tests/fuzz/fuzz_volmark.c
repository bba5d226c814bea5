/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes as the mark of a volume: as they are, and as the body behind a head whose checksum is
 * right. No crash, only sound values from what is accepted, and what is accepted can be written and
 * read again. Run by hand, see CONTRIBUTING.
 */

#include "volmark.h"

#include "path.h"

#include <inttypes.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define need(condition)                   \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

static void check_volume(const struct infra *infra)
{
	const struct domain *d = &infra->domains[0];
	const struct machine *m = &d->machines[0];
	const struct volume *v = &m->volumes[0];

	need(infra->n_domains == 1 && d->n_machines == 1 && m->n_volumes == 1);
	need(name_is_valid(d->name) && name_is_valid(m->name) && name_is_valid(v->name));
	need(path_is_clean_absolute(v->path) && v->mode <= 07777);
	need(v->uid != (uid_t)-1 && v->gid != (gid_t)-1);
}

static void parse_again(const struct infra *infra)
{
	const struct domain *d = &infra->domains[0];
	cleanup_infra struct infra again = {0};
	cleanup_free char *text = NULL;
	size_t len;
	int r = volmark_format(d, &d->machines[0], &d->machines[0].volumes[0], &text, &len, NULL);

	/* Our way to write the same may be longer (escapes). */
	if (r == -E2BIG)
		return;
	need(r == 0 && volmark_parse(text, len, &again, NULL) == 0);
}

static void parse(const char *text, size_t len)
{
	cleanup_infra struct infra infra = {0};
	int r = volmark_parse(text, len, &infra, NULL);

	need(r == 0 || r == -EBADMSG || r == -ENOTSUP);
	if (r < 0)
		return;
	check_volume(&infra);
	parse_again(&infra);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = malloc(VOLMARK_HEAD_SIZE + size + 1);

	need(text);
	parse((const char *)data, size);

	snprintf(text, VOLMARK_HEAD_SIZE + 1, "anklume-volume %d %08" PRIx32 " ", VOLMARK_VERSION,
		volmark_checksum((const char *)data, size));
	memcpy(text + VOLMARK_HEAD_SIZE, data, size);
	parse(text, VOLMARK_HEAD_SIZE + size);
	return 0;
}
