/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "edit.h"

#include "datadir.h"
#include "volmark.h"

/* A record that changes without its mark would be lost with the catalogue. */
static int check_directory(const struct edit *edit, const struct volume_ref *ref, struct error *err)
{
	char name[VOLUME_NAME_MAX];
	cleanup_fd int fd = -1;
	int r = datadir_open_volume(
		edit->base_fd, ref->domain->name, ref->machine->name, ref->volume->name, &fd);

	volume_ref_name(ref, name);
	if (r == -ENOENT)
		return error_set(err, CMD_REFUSED,
			"nothing was changed: the directory of a volume is missing:\n"
			"  '%s/%s': is the disk mounted?",
			edit->env->base, name);
	return r < 0 ? error_errno(err, r, "cannot open volume '%s'", name) : 0;
}

int edit_check_machines(const struct edit *edit, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < edit->selection.n_items && r == 0; i++) {
		struct volume_ref ref = edit->selection.items[i];

		for (size_t j = 0; j < ref.machine->n_volumes && r == 0; j++) {
			ref.volume = &ref.machine->volumes[j];
			r = check_directory(edit, &ref, err);
		}
	}
	return r;
}

int edit_begin(struct edit *edit, struct cmd_env *env, int argc, char **argv, struct error *err)
{
	int r;

	*edit = (struct edit){.env = env, .base_fd = -1};
	r = report_init(&edit->report, err);
	if (r < 0)
		return r;

	r = cmd_state_open(&edit->state, env, env->is_dry_run ? CATALOG_READ : CATALOG_WRITE, err);
	if (r == 0)
		r = cmd_select(
			env, &edit->state.infra, argc, argv, SELECT_EXACT, &edit->selection, err);
	/* No change without its mark: a base that is not there (a disk not mounted) stops us. */
	if (r == 0)
		r = datadir_open(env->base, false, &edit->base_fd, err);
	for (size_t i = 0; i < edit->selection.n_items && r == 0; i++)
		r = check_directory(edit, &edit->selection.items[i], err);
	edit->marks = volmark_store(&edit->base_fd);
	return r;
}

int edit_run(struct edit *edit, edit_fn *fn, const void *context, struct error *err)
{
	uint64_t generation = edit->state.generation;
	cleanup_error struct error end_err = {NULL};
	int first = 0;
	int r = 0;

	for (size_t i = 0; i < edit->selection.n_items && first == 0; i++)
		first = fn(edit, &edit->selection.items[i], context, err);
	if (first != 0 && edit->report.n_changed == 0)
		return first;

	if (!edit->env->is_dry_run)
		r = catalog_get_generation(edit->state.catalog, &generation, &end_err);
	if (r == 0)
		r = report_end(&edit->report, edit->env, generation, &end_err);
	if (first == 0 && r != 0)
		error_set(err, r, "%s", error_text(&end_err, r));
	return first != 0 ? first : r;
}

void edit_finish(struct edit *edit)
{
	report_finish(&edit->report);
	selection_finish(&edit->selection);
	cmd_state_finish(&edit->state);
	if (edit->base_fd >= 0)
		close(edit->base_fd);
	edit->base_fd = -1;
}
