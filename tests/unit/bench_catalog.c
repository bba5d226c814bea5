/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * bench_catalog DIRECTORY [MACHINES [VOLUMES]]: what an apply costs, step by step, as one line of
 * milliseconds each. Numbers for people and for the bench scripts; nothing is judged here.
 */

#include "datadir.h"
#include "drift.h"
#include "volmark.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct infra spec;
static struct catalog *cat;
static int base_fd;

static void die(const char *what, int r, const struct error *err)
{
	fprintf(stderr, "bench_catalog: %s: %s\n", what, error_text(err, r));
	exit(EXIT_FAILURE);
}

static void add_machine(struct domain *domain, int i, int n_volumes)
{
	struct machine *m;
	char name[32];

	snprintf(name, sizeof(name), "machine-%04d", i);
	m = domain_add_machine(domain, name);
	m->project = strdup(domain->name);
	m->instance = strdup(name);
	for (int j = 0; j < n_volumes; j++) {
		struct volume *v;

		snprintf(name, sizeof(name), "volume-%d", j);
		v = machine_add_volume(m, name);
		if (asprintf(&v->path, "/var/lib/%s", name) < 0)
			exit(EXIT_FAILURE);
		v->class = strdup("database");
		v->description = strdup("what a machine of this kind keeps");
		v->spec_flags = VOLUME_PROTECTED;
	}
}

static void make_spec(int n_machines, int n_volumes)
{
	struct domain *domain = NULL;

	for (int i = 0; i < n_machines; i++) {
		if (i % 100 == 0) {
			char name[32];

			snprintf(name, sizeof(name), "domain-%02d", i / 100);
			domain = infra_add_domain(&spec, name);
		}
		add_machine(domain, i, n_volumes);
	}
}

static void ensure(struct error *err)
{
	for (size_t i = 0; i < spec.n_domains; i++) {
		const struct domain *d = &spec.domains[i];

		for (size_t j = 0; j < d->n_machines; j++) {
			const struct machine *m = &d->machines[j];

			for (size_t k = 0; k < m->n_volumes; k++) {
				enum datadir_state state;
				int r = datadir_ensure(
					base_fd, d, m, &m->volumes[k], false, &state, err);

				if (r < 0)
					die("directory", r, err);
			}
		}
	}
}

static void step_directories(struct error *err)
{
	ensure(err);
}

static void step_sync(struct error *err)
{
	int r = datadir_sync(base_fd, err);

	if (r < 0)
		die("sync", r, err);
}

static void apply(bool dry_run, bool with_marks, struct error *err)
{
	struct mark_store marks = volmark_store(&base_fd);
	cleanup_change_list struct change_list report = {0};
	int r = catalog_apply(cat, &spec, &(struct actor){"bench", "bench"}, dry_run,
		with_marks ? &marks : NULL, &report, err);

	if (r < 0)
		die("apply", r, err);
}

static void step_apply(struct error *err)
{
	apply(false, true, err);
}

static void step_dry_run(struct error *err)
{
	apply(true, true, err);
}

static void step_load(struct error *err)
{
	cleanup_infra struct infra got = {0};
	int r = catalog_load(cat, &got, NULL, err);

	if (r < 0)
		die("load", r, err);
}

static void step_orphan_all(struct error *err)
{
	struct infra all = spec;

	infra_init(&spec);
	apply(false, true, err);
	spec = all;
}

/* What 'protect' on a glob costs: a transaction each. */
static void step_protect_100(struct error *err)
{
	struct mark_store marks = volmark_store(&base_fd);

	for (int64_t id = 1; id <= 100; id++) {
		int r = catalog_set_protected(
			cat, id, FLAG_OFF, &(struct actor){"bench", "bench"}, &marks, NULL, err);

		if (r < 0)
			die("protect", r, err);
	}
}

static void step_check(struct error *err)
{
	cleanup_drift_list struct drift_list list = {0};
	cleanup_infra struct infra got = {0};
	int r = catalog_load(cat, &got, NULL, err);

	if (r == 0)
		r = catalog_check_integrity(cat, err);
	if (r == 0)
		r = drift_find_in_records(&got, base_fd, &list, err);
	if (r == 0)
		r = drift_find_in_base(&got, base_fd, &list, err);
	if (r < 0)
		die("check", r, err);
}

static const struct {
	const char *name;
	void (*run)(struct error *err);
} steps[] = {
	{"directories, new", step_directories},
	{"sync of the base", step_sync},
	{"apply, dry run of all new", step_dry_run},
	{"apply, all new", step_apply},
	{"directories, all there", step_directories},
	{"apply, nothing to do", step_apply},
	{"load", step_load},
	{"apply, all become orphans", step_orphan_all},
	{"apply, all adopted", step_apply},
	{"100 flags, one by one", step_protect_100},
	{"check", step_check},
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	cleanup_free char *file = NULL;
	cleanup_free char *base = NULL;
	cleanup_error struct error err = {0};
	int r;

	if (argc < 2) {
		fprintf(stderr, "usage: bench_catalog DIRECTORY [MACHINES [VOLUMES]]\n");
		return EXIT_FAILURE;
	}
	if (asprintf(&file, "%s/catalog.db", argv[1]) < 0 ||
		asprintf(&base, "%s/base", argv[1]) < 0)
		return EXIT_FAILURE;

	make_spec(argc > 2 ? atoi(argv[2]) : 1000, argc > 3 ? atoi(argv[3]) : 4);
	r = catalog_open(file, CATALOG_WRITE, &cat, &err);
	if (r == 0)
		r = datadir_open(base, true, &base_fd, &err);
	if (r < 0)
		die("open", r, &err);

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		double start = now_ms();

		steps[i].run(&err);
		printf("%10.1f ms  %s\n", now_ms() - start, steps[i].name);
	}
	catalog_close(cat);
	infra_finish(&spec);
	return EXIT_SUCCESS;
}
