/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "changes.h"
#include "import.h"
#include "bounds.h"
#include "merge.h"
#include "tx.h"

#include <string.h>

struct apply {
	struct tx *tx;
	struct change_list *report;
	struct infra restored; /* volumes whose record comes back from their mark */
	struct infra damaged; /* names of new volumes whose mark is of no use */
};

static void apply_finish(struct apply *a)
{
	infra_finish(&a->restored);
	infra_finish(&a->damaged);
}

#define cleanup_apply cleanup_(apply_finish)

/* What a volume has to know about the levels above it. */
struct parent {
	const char *name; /* "domain" or "domain/machine" */
	int64_t id;
	const char *note; /* what changed there, "" for nothing */
	const struct domain *restored_domain, *damaged_domain;
	const struct machine *restored_machine, *damaged_machine;
};

static char *child_name(const struct parent *p, const char *name)
{
	char *text;

	return asprintf(&text, "%s/%s", p->name, name) < 0 ? NULL : text;
}

/* What the spec says about a volume and nothing else; texts borrowed. */
static struct volume spec_part(const struct volume *want)
{
	return (struct volume){
		.name = want->name,
		.path = want->path,
		.class = want->class,
		.description = want->description,
		.size_bytes = want->size_bytes,
		.uid = want->uid,
		.gid = want->gid,
		.mode = want->mode,
		.spec_flags = want->spec_flags,
	};
}

static int create_volume(struct apply *a, const struct parent *p, const char *object,
	const struct volume *want, struct error *err)
{
	bool is_damaged = p->damaged_machine && machine_find_volume(p->damaged_machine, want->name);
	struct volume row = spec_part(want);
	int64_t id;
	int r;

	r = volumes_insert_volume(a->tx->cat, p->id, &row, a->tx->generation, &id, err);
	if (r == 0)
		r = tx_audit(a->tx, "volume.create", object, want->path, err);
	if (r < 0)
		return r;
	return change_list_add(a->report, CHANGE_CREATED, object,
		is_damaged ? "its mark was damaged, flags start from the spec" : NULL);
}

static int update_volume(struct apply *a, int64_t id, const struct volume *v, int64_t orphan_since,
	struct error *err)
{
	return db_run(a->tx->cat, STMT_UPDATE_VOLUME, err, db_int(id), db_text(v->path),
		db_text(v->class), db_text(v->description), db_int(v->size_bytes), db_int(v->uid),
		db_int(v->gid), db_int(v->mode), db_int(!!(v->spec_flags & VOLUME_READONLY)),
		db_int(!!(v->spec_flags & VOLUME_PROTECTED)), db_int(orphan_since),
		db_int(a->tx->generation));
}

/* An orphan that stays one is no news, unless its machine changed. */
static int keep_orphan(struct apply *a, const struct parent *p, const char *object,
	const struct volume *have, struct error *err)
{
	int r;

	if (!*p->note)
		return 0;
	r = update_volume(a, have->id, have, have->orphan_since, err);
	return r < 0 ? r : change_list_add(a->report, CHANGE_UPDATED, object, p->note);
}

static int orphan_volume(struct apply *a, const struct parent *p, const char *object,
	const struct volume *have, struct error *err)
{
	int r;

	if (have->orphan_since)
		return keep_orphan(a, p, object, have, err);

	r = update_volume(a, have->id, have, a->tx->now, err);
	if (r == 0)
		r = tx_audit(a->tx, "volume.orphan", object, NULL, err);
	return r < 0 ? r : change_list_add(a->report, CHANGE_ORPHANED, object, NULL);
}

/* A volume that the spec and the records both know. */
static int compare_volume(struct apply *a, const struct parent *p, const char *object,
	const struct volume *have, const struct volume *want, struct error *err)
{
	bool is_restored =
		p->restored_machine && machine_find_volume(p->restored_machine, want->name);
	bool is_adopted = have->orphan_since != 0;
	cleanup_strbuf struct strbuf own = STRBUF_INIT;
	cleanup_strbuf struct strbuf detail = STRBUF_INIT;
	int r = 0;

	changes_describe_volume(&own, have, want);
	if (is_restored)
		changes_add(&detail, "record restored from its mark");
	if (*p->note)
		changes_add(&detail, "%s", p->note);
	if (own.len)
		changes_add(&detail, "%s", own.data);
	if (own.failed || detail.failed)
		return -ENOMEM;
	if (!is_adopted && !detail.len)
		return change_list_add(a->report, CHANGE_UNCHANGED, object, NULL);

	r = update_volume(a, have->id, want, 0, err);
	if (r == 0 && (is_adopted || own.len))
		r = tx_audit(a->tx, is_adopted ? "volume.adopt" : "volume.update", object, own.data,
			err);
	if (r < 0)
		return r;
	return change_list_add(a->report,
		is_adopted || is_restored ? CHANGE_ADOPTED : CHANGE_UPDATED, object, detail.data);
}

static int apply_volume(struct apply *a, const struct parent *p, const char *name,
	const struct volume *have, const struct volume *want, struct error *err)
{
	cleanup_free char *object = child_name(p, name);

	if (!object)
		return -ENOMEM;
	if (!have)
		return create_volume(a, p, object, want, err);
	if (!want)
		return orphan_volume(a, p, object, have, err);
	return compare_volume(a, p, object, have, want, err);
}

static int apply_volumes(struct apply *a, const struct parent *p, const struct machine *have,
	const struct machine *want, struct error *err)
{
	cleanup_merge struct merge m = {0};
	struct volume *h;
	struct volume *w;
	const char *name;
	int r;

	r = merge_init(&m, have ? have->volumes : NULL, have ? have->n_volumes : 0,
		want ? want->volumes : NULL, want ? want->n_volumes : 0, MERGE_OF(volume));
	while (r == 0 && (name = merge_next(&m, &h, &w)))
		r = apply_volume(a, p, name, h, w, err);
	return r;
}

static int update_machine(struct apply *a, int64_t id, const struct machine *m,
	int64_t orphan_since, const char *action, const char *object, const char *detail,
	struct error *err)
{
	int r = db_run(a->tx->cat, STMT_UPDATE_MACHINE, err, db_int(id), db_text(m->project),
		db_text(m->instance), db_int(m->is_vm), db_int(m->is_ephemeral),
		db_int(orphan_since));

	return r < 0 ? r : tx_audit(a->tx, action, object, detail, err);
}

/* Bring the machine's own row up to date; what changed goes into NOTE. */
static int record_machine(struct apply *a, struct parent *self, int64_t domain,
	const struct machine *have, const struct machine *want, struct strbuf *note,
	struct error *err)
{
	struct machine row;
	int r;

	if (!have) {
		row = *want;
		row.id = row.orphan_since = 0;
		row.has_owner_override = false;
		r = volumes_insert_machine(a->tx->cat, domain, &row, &self->id, err);
		return r < 0 ? r : tx_audit(a->tx, "machine.create", self->name, NULL, err);
	}

	self->id = have->id;
	if (!want)
		return have->orphan_since ? 0
					  : update_machine(a, have->id, have, a->tx->now,
						    "machine.orphan", self->name, NULL, err);

	changes_describe_machine(note, have, want);
	if (note->failed)
		return -ENOMEM;
	if (have->orphan_since)
		return update_machine(
			a, have->id, want, 0, "machine.adopt", self->name, note->data, err);
	return note->len ? update_machine(a, have->id, want, 0, "machine.update", self->name,
				   note->data, err)
			 : 0;
}

static int apply_machine(struct apply *a, const struct parent *p, const char *name,
	const struct machine *have, const struct machine *want, struct error *err)
{
	cleanup_strbuf struct strbuf own = STRBUF_INIT;
	cleanup_strbuf struct strbuf note = STRBUF_INIT;
	cleanup_free char *object = child_name(p, name);
	struct parent self = {.name = object};
	int r;

	if (!object)
		return -ENOMEM;
	if (p->restored_domain)
		self.restored_machine = domain_find_machine(p->restored_domain, name);
	if (p->damaged_domain)
		self.damaged_machine = domain_find_machine(p->damaged_domain, name);

	r = record_machine(a, &self, p->id, have, want, &own, err);
	if (r < 0)
		return r;

	if (*p->note)
		changes_add(&note, "%s", p->note);
	if (own.len)
		changes_add(&note, "%s", own.data);
	if (note.failed)
		return -ENOMEM;
	self.note = note.len ? note.data : "";
	return apply_volumes(a, &self, have, want, err);
}

static int apply_machines(struct apply *a, const struct parent *p, const struct domain *have,
	const struct domain *want, struct error *err)
{
	cleanup_merge struct merge m = {0};
	struct machine *h;
	struct machine *w;
	const char *name;
	int r;

	r = merge_init(&m, have ? have->machines : NULL, have ? have->n_machines : 0,
		want ? want->machines : NULL, want ? want->n_machines : 0, MERGE_OF(machine));
	while (r == 0 && (name = merge_next(&m, &h, &w)))
		r = apply_machine(a, p, name, h, w, err);
	return r;
}

static int update_domain(struct apply *a, int64_t id, const struct domain *d, int64_t orphan_since,
	const char *action, const char *detail, struct error *err)
{
	int r = db_run(a->tx->cat, STMT_UPDATE_DOMAIN, err, db_int(id), db_int(d->is_enabled),
		db_int(orphan_since));

	return r < 0 ? r : tx_audit(a->tx, action, d->name, detail, err);
}

/* As record_machine(), one level up. */
static int record_domain(struct apply *a, struct parent *self, const struct domain *have,
	const struct domain *want, struct strbuf *note, struct error *err)
{
	struct domain row;
	int r;

	if (!have) {
		row = *want;
		row.id = row.orphan_since = 0;
		r = volumes_insert_domain(a->tx->cat, &row, &self->id, err);
		return r < 0 ? r : tx_audit(a->tx, "domain.create", self->name, NULL, err);
	}

	self->id = have->id;
	if (!want)
		return have->orphan_since ? 0
					  : update_domain(a, have->id, have, a->tx->now,
						    "domain.orphan", NULL, err);

	changes_describe_domain(note, have, want);
	if (note->failed)
		return -ENOMEM;
	if (have->orphan_since)
		return update_domain(a, have->id, want, 0, "domain.adopt", note->data, err);
	return note->len ? update_domain(a, have->id, want, 0, "domain.update", note->data, err)
			 : 0;
}

static int apply_domain(struct apply *a, const char *name, const struct domain *have,
	const struct domain *want, struct error *err)
{
	cleanup_strbuf struct strbuf note = STRBUF_INIT;
	struct parent self = {
		.name = name,
		.restored_domain = infra_find_domain(&a->restored, name),
		.damaged_domain = infra_find_domain(&a->damaged, name),
	};
	int r;

	r = record_domain(a, &self, have, want, &note, err);
	if (r < 0)
		return r;
	self.note = note.len ? note.data : "";
	return apply_machines(a, &self, have, want, err);
}

static int apply_domains(
	struct apply *a, const struct infra *have, const struct infra *want, struct error *err)
{
	cleanup_merge struct merge m = {0};
	struct domain *h;
	struct domain *w;
	const char *name;
	int r;

	r = merge_init(&m, have->domains, have->n_domains, want->domains, want->n_domains,
		MERGE_OF(domain));
	while (r == 0 && (name = merge_next(&m, &h, &w)))
		r = apply_domain(a, name, h, w, err);
	return r;
}

static int apply_in_tx(struct apply *a, const struct infra *want, struct error *err)
{
	cleanup_infra struct infra have = {0};
	int r;

	r = import_from_marks(a->tx, want, &a->restored, &a->damaged, err);
	if (r == 0)
		r = volumes_load(a->tx->cat, VOLUMES_OF_SPEC, &have, err);
	if (r == 0)
		r = apply_domains(a, &have, want, err);
	if (r == 0)
		r = tx_mark_all(a->tx, err);
	return r;
}

static int apply_for_real(struct catalog *cat, const struct infra *infra, const struct actor *actor,
	const struct mark_store *marks, struct change_list *ret, struct error *err)
{
	cleanup_change_list struct change_list report = {0};
	cleanup_tx struct tx tx = {0};
	cleanup_apply struct apply a = {.tx = &tx, .report = &report};
	int r;

	r = tx_begin(&tx, cat, actor, marks, err);
	if (r == 0)
		r = apply_in_tx(&a, infra, err);
	if (r < 0)
		return r;

	report.is_changed = tx.is_dirty;
	r = tx_commit(&tx, err);
	if (r < 0)
		return r;

	*ret = report;
	report = (struct change_list){0};
	return 0;
}

/* The same on a copy, with marks that can only be read. */
static int apply_dry(struct catalog *cat, const struct infra *infra, const struct actor *actor,
	const struct mark_store *marks, struct change_list *ret, struct error *err)
{
	cleanup_catalog struct catalog *copy = NULL;
	struct mark_store reader = {0};
	int r;

	if (marks)
		reader = (struct mark_store){.read = marks->read, .context = marks->context};

	r = db_copy(cat, &copy, err);
	return r < 0 ? r : apply_for_real(copy, infra, actor, &reader, ret, err);
}

int catalog_apply(struct catalog *cat, const struct infra *infra, const struct actor *actor,
	bool dry_run, const struct mark_store *marks, struct change_list *ret, struct error *err)
{
	int r = bounds_check_infra(infra, err);

	if (r < 0)
		return r;
	if (dry_run)
		return apply_dry(cat, infra, actor, marks, ret, err);
	return apply_for_real(cat, infra, actor, marks, ret, err);
}

int catalog_write_marks(
	struct catalog *cat, const struct mark_store *marks, size_t *ret_written, struct error *err)
{
	cleanup_tx struct tx tx = {0};
	size_t n;
	int r;

	r = tx_begin(&tx, cat, NULL, marks, err);
	if (r == 0)
		r = tx_mark_all(&tx, err);
	if (r < 0)
		return r;

	n = tx.n_written;
	r = tx_commit(&tx, err);
	if (r == 0 && ret_written)
		*ret_written = n;
	return r;
}
