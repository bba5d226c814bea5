/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "emit.h"
#include "fdio.h"
#include "schema.h"
#include "specs.h"
#include "str.h"

#include <string.h>

/*
 * Each allocation of a load fails once: the load fails, or where the C library could do without
 * (asprintf() gives back what it has too much, qsort() has a slower way) its result is whole. The C library lets a program bring its own malloc, which
 * then serves strdup() and asprintf() too; the sanitizers' runtimes bring theirs.
 */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_OWN_MALLOC 1
#else
#define HAS_OWN_MALLOC 0

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void __libc_free(void *p);
#endif

/* The compiler believes that malloc() changes nothing of ours. */
static volatile size_t countdown; /* 0 = none fails */
static volatile size_t n_allocations;
static volatile ssize_t n_live;

#if !HAS_OWN_MALLOC
static bool is_denied(void)
{
	n_allocations++;
	return countdown && --countdown == 0;
}

static void *count(void *p)
{
	n_live += p != NULL;
	return p;
}

void *malloc(size_t size)
{
	if (!is_denied())
		return count(__libc_malloc(size));
	errno = ENOMEM;
	return NULL;
}

void *calloc(size_t n, size_t size)
{
	if (!is_denied())
		return count(__libc_calloc(n, size));
	errno = ENOMEM;
	return NULL;
}

void *realloc(void *p, size_t size)
{
	if (!is_denied())
		return p ? __libc_realloc(p, size) : count(__libc_realloc(p, size));
	errno = ENOMEM;
	return NULL;
}

void free(void *p)
{
	n_live -= p != NULL;
	__libc_free(p);
}
#endif

#define HEAD "project_name: t\nglobal: {base_subnet: \"10.100\"}\n"
#define DOMAINS                                                                                  \
	"domains:\n  pro:\n    subnet_id: 0\n    profiles: {p: {devices: {}}}\n"                 \
	"    machines:\n      pro-dev: &dev\n        type: lxc\n        profiles: [p]\n"         \
	"        devices: {eth0: {type: nic}, x: {type: disk, path: /x, source: /s}}\n"          \
	"        persistent_data:\n          db: {path: /db, class: database, owner: \"1:2\"}\n" \
	"          web: {path: /web, description: d}\n"                                          \
	"      pro-web: {<<: *dev}\n"                                                            \
	"shared_volumes: {docs: {consumers: {pro: ro, pro-web: rw}}}\n"                          \
	"network_policies: [{from: host, to: pro}]\n"

/* Load PATH with the Nth allocation denied; *RET_COUNT is how many there were. */
static int load(const char *path, size_t n, size_t *ret_count, struct spec **ret)
{
	cleanup_diags struct diags diags;
	cleanup_error struct error err = {0};
	int r;

	diags_init(&diags);
	n_allocations = 0;
	countdown = n;
	r = spec_load(path, "level", &diags, ret, &err);
	countdown = 0;
	*ret_count = n_allocations;
	return r;
}

static void write_all(void)
{
	unit_write("infra.yml", HEAD DOMAINS);
	unit_write("infra/base.yml", HEAD);
	unit_write("infra/domains/a.yml", "a: {subnet_id: 1}\n");
	unit_write("infra/policies.yml", "network_policies: []\n");
	unit_write("anklume.yml", "schema_version: 1\n");
	unit_write("domains/pro.yml",
		"description: d\nmachines: {dev: {description: d, persistent: {db: /db}}}\n");
}

static const char *const paths[] = {"infra.yml", "infra", "anklume.yml"};

/* All texts of all devices; NULL when one of them is missing. */
static char *dump(const struct spec *spec)
{
	const struct infra *infra = spec_get_infra(spec);
	struct strbuf b = STRBUF_INIT;
	bool is_whole = true;

	for (size_t i = 0; i < infra->n_domains; i++) {
		const struct domain *d = &infra->domains[i];

		for (size_t j = 0; j < d->n_machines; j++) {
			cleanup_device_list struct device_list list;
			char *texts[5] = {NULL};

			device_list_init(&list);
			if (spec_list_devices(spec, d->name, d->machines[j].name, &list) == 0) {
				texts[0] = emit_incus_yaml(&list);
				texts[1] = emit_json(&list);
				texts[2] = emit_commands(&list, d->machines[j].project, "i");
				texts[3] = emit_host_vars(&list);
				texts[4] = emit_merge_host_vars("x: 1\n", &list);
			}
			for (size_t k = 0; k < ARRAY_SIZE(texts); k++) {
				is_whole &= texts[k] != NULL;
				strbuf_puts(&b, texts[k] ? texts[k] : "");
				free(texts[k]);
			}
		}
	}
	if (is_whole)
		return strbuf_steal(&b);
	strbuf_finish(&b);
	return NULL;
}

START_TEST(load_without_memory_fails_cleanly)
{
	struct spec *spec = NULL;
	cleanup_free char *whole = NULL;
	size_t total, n, n_failed = 0;

	ck_assert_int_eq(mkdir_parents("infra/domains", 0755), 0);
	write_all();
	ck_assert_int_eq(load(paths[_i], 0, &total, &spec), 0);
	whole = dump(spec);
	ck_assert_ptr_nonnull(whole);
	spec_free(spec);

	for (size_t i = 1; i <= total; i++) {
		cleanup_free char *text = NULL;
		ssize_t live = n_live;
		int r;

		spec = NULL;
		r = load(paths[_i], i, &n, &spec);
		if (r == 0) {
			text = dump(spec);
			ck_assert_str_eq(text, whole);
			spec_free(spec);
			continue;
		}
		ck_assert_msg(r == -ENOMEM, "allocation %zu of %zu: %d", i, total, r);
		ck_assert_ptr_null(spec);
		ck_assert_msg(
			n_live == live, "allocation %zu of %zu: %zd lost", i, total, n_live - live);
		n_failed++;
	}
	ck_assert_uint_gt(n_failed, total / 2);
}
END_TEST

START_TEST(devices_without_memory_fail_cleanly)
{
	struct spec *spec = NULL;
	cleanup_free char *whole = NULL;
	size_t total, n_failed = 0;

	unit_write("infra.yml", HEAD DOMAINS);
	ck_assert_int_eq(load("infra.yml", 0, &total, &spec), 0);
	n_allocations = 0;
	whole = dump(spec);
	total = n_allocations;

	for (size_t i = 1; i <= total; i++) {
		cleanup_free char *text = NULL;

		countdown = i;
		text = dump(spec);
		countdown = 0;
		if (text)
			ck_assert_str_eq(text, whole);
		else
			n_failed++;
	}
	ck_assert_uint_gt(n_failed, total / 2);
	spec_free(spec);
}
END_TEST

START_TEST(documents_without_memory_fail_cleanly)
{
	char *(*const makers[])(void) = {schema_json, schema_markdown};
	cleanup_free char *whole = makers[_i]();
	size_t total, n_failed = 0;

	n_allocations = 0;
	free(makers[_i]());
	total = n_allocations;
	for (size_t i = 1; i <= total; i++) {
		cleanup_free char *text = NULL;
		ssize_t live = n_live;

		countdown = i;
		text = makers[_i]();
		countdown = 0;
		n_failed += text == NULL;
		if (text)
			ck_assert_msg(strcmp(text, whole) == 0, "allocation %zu of %zu was missed",
				i, total);
		else
			ck_assert_msg(n_live == live, "allocation %zu of %zu: %zd lost", i, total,
				n_live - live);
	}
	ck_assert_uint_gt(n_failed, total / 2);
}
END_TEST

/* Valgrind takes malloc() away from us when the program starts. */
static bool is_in_force(void)
{
	char *volatile p;

	n_allocations = 0;
	p = malloc(1);
	free(p);
	return n_allocations == 1;
}

Suite *unit_suite(void)
{
	Suite *s;
	TCase *tc;

	if (!is_in_force()) {
		puts("1..0 # SKIP sanitizers and valgrind have their own malloc");
		exit(EXIT_SUCCESS);
	}
	s = suite_create("spec_memory");
	tc = tcase_create("spec_memory");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, specs_setup, specs_teardown);
	tcase_add_loop_test(tc, load_without_memory_fails_cleanly, 0, ARRAY_SIZE(paths));
	tcase_add_loop_test(tc, documents_without_memory_fail_cleanly, 0, 2);
	tcase_add_test(tc, devices_without_memory_fail_cleanly);
	suite_add_tcase(s, tc);
	return s;
}
