/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sample_base.h"

#include "datadir.h"
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>

struct catalog *sample_cat;
int sample_base_fd;
struct mark_store sample_marks;
struct infra sample_spec;

static bool has_trusted_attributes(void)
{
	const char *tmp = getenv("TMPDIR");
	cleanup_free char *path = NULL;
	bool is_possible;

	if (asprintf(&path, "%s/anklume-unit-XXXXXX", tmp ? tmp : "/tmp") < 0 || !mkdtemp(path))
		return false;
	is_possible = setxattr(path, VOLMARK_XATTR, "x", 1, 0) == 0;
	rmdir(path);
	return is_possible;
}

const char *sample_base_obstacle(const char **ret_need)
{
	*ret_need = "openat2";
	if (!sample_has_openat2())
		return "openat2(2) is not there";
	*ret_need = "root";
	return has_trusted_attributes() ? NULL
					: "marks need root, and trusted attributes below $TMPDIR";
}

void sample_base_setup(void)
{
	cleanup_error struct error err = {0};

	unit_dir_setup();
	infra_init(&sample_spec);
	ck_assert_ok(catalog_open(unit_path("catalog.db"), CATALOG_WRITE, &sample_cat, &err), &err);
	ck_assert_ok(datadir_open(unit_path("base"), true, &sample_base_fd, &err), &err);
	sample_marks = volmark_store(&sample_base_fd);
}

void sample_base_teardown(void)
{
	catalog_close(sample_cat);
	close(sample_base_fd);
	infra_finish(&sample_spec);
	unit_dir_teardown();
}

static void make_directories(void)
{
	for (size_t i = 0; i < sample_spec.n_domains; i++) {
		const struct domain *d = &sample_spec.domains[i];

		for (size_t j = 0; j < d->n_machines; j++) {
			const struct machine *m = &d->machines[j];

			for (size_t k = 0; k < m->n_volumes; k++) {
				cleanup_error struct error err = {0};
				enum datadir_state state;

				ck_assert_ok(datadir_ensure(sample_base_fd, d, m, &m->volumes[k],
						     false, &state, &err),
					&err);
			}
		}
	}
}

void sample_base_apply(const char *text)
{
	infra_finish(&sample_spec);
	sample_add(&sample_spec, text);
	make_directories();
	sample_apply(sample_cat, &sample_spec, &sample_marks);
}

int sample_base_open(const char *volume)
{
	cleanup_free char *path = NULL;
	int fd;

	ck_assert_int_gt(asprintf(&path, "base/%s", volume), 0);
	fd = open(unit_path(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "no directory '%s'", volume);
	return fd;
}

static void expect_mark(const struct domain *d, const struct machine *m, const struct volume *v)
{
	cleanup_error struct error err = {0};
	cleanup_fd int fd = -1;
	int r;

	ck_assert_int_eq(datadir_open_volume(sample_base_fd, d->name, m->name, v->name, &fd), 0);
	r = volmark_compare(fd, d, m, v, &err);
	ck_assert_msg(r == 0, "mark of '%s/%s/%s' differs: %s", d->name, m->name, v->name,
		error_text(&err, r));
}

void sample_base_expect_marks(void)
{
	cleanup_infra struct infra got = {0};

	sample_load(sample_cat, &got);
	for (size_t i = 0; i < got.n_domains; i++) {
		const struct domain *d = &got.domains[i];

		for (size_t j = 0; j < d->n_machines; j++) {
			const struct machine *m = &d->machines[j];

			for (size_t k = 0; k < m->n_volumes; k++)
				expect_mark(d, m, &m->volumes[k]);
		}
	}
}

void sample_base_set_mark(const char *volume, const char *text)
{
	cleanup_fd int fd = sample_base_open(volume);

	if (text)
		ck_assert_int_eq(fsetxattr(fd, VOLMARK_XATTR, text, strlen(text), 0), 0);
	else
		ck_assert_int_eq(fremovexattr(fd, VOLMARK_XATTR), 0);
}
