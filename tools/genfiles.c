/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "genfiles.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "emit.h"
#include "fdio.h"

#define FILE_MAX (16 * 1024 * 1024)

enum { INVENTORY, GROUP_VARS, HOST_VARS };

const char *const genfiles_dirs[N_GENFILES_DIRS] = {
	[INVENTORY] = "inventory",
	[GROUP_VARS] = "group_vars",
	[HOST_VARS] = "host_vars",
};

/* The project of DOMAIN in PLAN that is to be deleted; *RET_STAYS when one of them stays. */
static const struct step *find_project(const struct known_domain *d, const struct world *world,
	const struct plan *plan, bool *ret_stays)
{
	const struct step *found = NULL;

	*ret_stays = false;
	for (size_t i = 0; i < d->n_places; i++) {
		const char *project = d->places[i].project;
		const struct step *s = plan_find(plan, STEP_PROJECT, NULL, project);

		if (!world_find_project(world, project))
			continue;
		if (!s || s->state != STEP_TO_DELETE)
			*ret_stays = true;
		found = s;
	}
	return found;
}

/* The text of a plain file below DIR_FD; NULL where there is none. */
static int read_plain(int dir_fd, const char *path, char **ret, struct error *err)
{
	cleanup_fd int fd = open_beneath(dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;
	size_t len;
	int r;

	*ret = NULL;
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return 0;
	if (fd < 0)
		return error_errno(err, fd, "cannot open '%s'", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	r = read_file(AT_FDCWD, fd_path(fd).text, FILE_MAX, ret, &len);
	return r < 0 ? error_errno(err, r, "cannot read '%s'", path) : 0;
}

static int add_file(int dir_fd, const char *directory, const char *name, const char *project,
	struct plan *plan, struct error *err)
{
	cleanup_free char *path = NULL;
	cleanup_free char *text = NULL;
	struct step *s;
	int r;

	if (asprintf(&path, "%s/%s.yml", directory, name) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	r = read_plain(dir_fd, path, &text, err);
	if (r < 0 || !text)
		return r;

	s = plan_add(plan, STEP_FILE, NULL, path);
	if (!s || (project && !(s->stays_with = strdup(project))))
		return error_set(err, -ENOMEM, "out of memory");
	if (emit_is_generated(text))
		return 0;
	r = step_skip(s, REASON_EDITED, "it has more than the managed block");
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

static int add_domain(int dir_fd, const struct known_domain *d, const struct world *world,
	struct plan *plan, struct error *err)
{
	bool stays;
	const struct step *found = find_project(d, world, plan, &stays);
	/* A copy: steps that are added move the others. */
	cleanup_free char *project = found ? strdup(found->name) : NULL;
	int r;

	if (stays)
		return 0;
	if (found && !project)
		return error_set(err, -ENOMEM, "out of memory");
	r = add_file(dir_fd, genfiles_dirs[INVENTORY], d->name, project, plan, err);
	if (r == 0)
		r = add_file(dir_fd, genfiles_dirs[GROUP_VARS], d->name, project, plan, err);
	for (size_t i = 0; i < d->n_machines && r == 0; i++)
		r = add_file(
			dir_fd, genfiles_dirs[HOST_VARS], d->machines[i].name, project, plan, err);
	return r;
}

int genfiles_plan(int dir_fd, const struct known *known, const struct world *world,
	struct plan *plan, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < known->n_domains && r == 0; i++)
		r = add_domain(dir_fd, &known->domains[i], world, plan, err);
	plan_sort(plan);
	return r;
}

static void remove_file(int dir_fd, struct step *s)
{
	cleanup_free char *directory = strndup(s->name, strcspn(s->name, "/"));
	cleanup_fd int fd =
		directory ? open_beneath(dir_fd, directory, O_RDONLY | O_DIRECTORY, 0) : -ENOMEM;
	int r = fd < 0 ? fd : 0;

	if (r == 0 && unlinkat(fd, strchr(s->name, '/') + 1, 0) < 0)
		r = -errno;
	if (r == 0)
		s->state = STEP_DELETED;
	else
		step_fail(s, strerror(-r));
}

int genfiles_run(int dir_fd, const struct plan *plan, struct step *steps, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct step *project =
			steps[i].stays_with
				? plan_find(plan, STEP_PROJECT, NULL, steps[i].stays_with)
				: NULL;

		if (steps[i].state != STEP_TO_DELETE)
			continue;
		if (project && project->state != STEP_DELETED)
			r = step_skip(
				&steps[i], REASON_IN_USE, "project '%s' stays", project->name);
		else
			remove_file(dir_fd, &steps[i]);
	}
	return r;
}
