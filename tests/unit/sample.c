/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sample.h"

#include "fdio.h"
#include "str.h"
#include "unit.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

const struct actor sample_actor = {"alice (root)", "anklume-fsctl test"};

bool sample_has_openat2(void)
{
	cleanup_fd int fd = open_beneath(AT_FDCWD, ".", O_PATH, 0);

	return fd != -ENOSYS;
}

static struct domain *need_domain(struct infra *infra, const char *name)
{
	struct domain *d = infra_find_domain(infra, name);

	if (!d)
		d = infra_add_domain(infra, name);
	ck_assert_ptr_nonnull(d);
	return d;
}

static struct machine *need_machine(struct domain *domain, const char *name)
{
	struct machine *m = domain_find_machine(domain, name);

	if (m)
		return m;
	m = domain_add_machine(domain, name);
	ck_assert_ptr_nonnull(m);
	m->project = strdup(domain->name);
	m->instance = strdup(name);
	return m;
}

static void add_volume(struct machine *machine, const char *name)
{
	struct volume *v = machine_add_volume(machine, name);

	ck_assert_ptr_nonnull(v);
	ck_assert_int_gt(asprintf(&v->path, "/%s", name), 0);
	v->uid = v->gid = 999;
	v->mode = 0750;
	v->spec_flags = VOLUME_PROTECTED;
}

void sample_add(struct infra *infra, const char *text)
{
	cleanup_free char *copy = strdup(text);
	char *rest = copy;
	char *word;

	while ((word = strsep(&rest, " "))) {
		char *domain = strsep(&word, "/");
		char *machine = strsep(&word, "/");
		struct domain *d = need_domain(infra, domain);
		struct machine *m = machine ? need_machine(d, machine) : NULL;

		if (m && word)
			add_volume(m, word);
	}
}

struct machine *sample_machine(const struct infra *infra, const char *name)
{
	cleanup_free char *copy = strdup(name);
	char *rest = copy;
	struct domain *d = infra_find_domain(infra, strsep(&rest, "/"));
	struct machine *m = d ? domain_find_machine(d, strsep(&rest, "/")) : NULL;

	ck_assert_msg(m != NULL, "no machine '%s'", name);
	return m;
}

struct volume *sample_volume(const struct infra *infra, const char *name)
{
	struct machine *m = sample_machine(infra, name);
	struct volume *v = machine_find_volume(m, strrchr(name, '/') + 1);

	ck_assert_msg(v != NULL, "no volume '%s'", name);
	return v;
}

void sample_apply(struct catalog *cat, const struct infra *infra, const struct mark_store *marks)
{
	cleanup_change_list struct change_list report = {0};
	cleanup_error struct error err = {0};

	ck_assert_ok(catalog_apply(cat, infra, &sample_actor, false, marks, &report, &err), &err);
}

void sample_load(struct catalog *cat, struct infra *ret)
{
	cleanup_error struct error err = {0};

	ck_assert_ok(catalog_load(cat, ret, NULL, &err), &err);
}

static void describe_volume(struct strbuf *b, const struct volume *v)
{
	strbuf_printf(b, "    %" PRId64 " %s %s %s %s %" PRIu64 " %u:%u%s %04o", v->id, v->name,
		v->path, v->class ? v->class : "-", v->description ? v->description : "-",
		v->size_bytes, v->uid, v->gid, v->has_ids_override ? "!" : "", v->mode);
	strbuf_printf(b, " flags %x spec %x over %d %d orphan %d gen %" PRIu64 "\n", v->flags,
		v->spec_flags, v->readonly_override, v->protected_override, v->orphan_since != 0,
		v->generation);
	for (size_t i = 0; i < v->n_holds; i++) {
		const struct hold *h = &v->holds[i];

		strbuf_printf(b, "      %s '%s' %s %" PRId64 " %" PRId64 "\n", h->tag, h->reason,
			h->actor, h->since, h->until);
	}
}

char *sample_describe(const struct infra *infra)
{
	struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < infra->n_domains; i++) {
		const struct domain *d = &infra->domains[i];

		strbuf_printf(
			&b, "%" PRId64 " %s %s\n", d->id, d->name, d->is_enabled ? "on" : "off");
		for (size_t j = 0; j < d->n_machines; j++) {
			const struct machine *m = &d->machines[j];

			strbuf_printf(&b, "  %" PRId64 " %s %s/%s%s vm %d ephemeral %d\n", m->id,
				m->name, m->project, m->instance, m->has_owner_override ? "!" : "",
				m->is_vm, m->is_ephemeral);
			for (size_t k = 0; k < m->n_volumes; k++)
				describe_volume(&b, &m->volumes[k]);
		}
	}
	return strbuf_steal(&b);
}
