/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "specs.h"

#include "str.h"

#include <limits.h>
#include <string.h>

static char old_dir[PATH_MAX];
static struct spec *last;
static char *report;
static char *devices_text;

void specs_setup(void)
{
	unit_dir_setup();
	ck_assert_ptr_nonnull(getcwd(old_dir, sizeof(old_dir)));
	ck_assert_int_eq(chdir(unit_dir), 0);
}

static void forget(void)
{
	spec_free(steal_ptr(&last));
	free(steal_ptr(&report));
	free(steal_ptr(&devices_text));
}

void specs_teardown(void)
{
	forget();
	ck_assert_int_eq(chdir(old_dir), 0);
	unit_dir_teardown();
}

static char *diags_text(const struct diags *diags)
{
	struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < diags->n_items; i++) {
		cleanup_free char *place = diags_place(diags, diags->items[i].mark);

		strbuf_printf(&b, "%s: %s: %s\n", place,
			diags->items[i].level == DIAG_ERROR ? "error" : "warning",
			diags->items[i].text);
	}
	return strbuf_steal(&b);
}

int specs_load_path(const char *path)
{
	cleanup_diags struct diags diags;
	cleanup_error struct error err = {0};
	int r;

	forget();
	diags_init(&diags);
	r = spec_load(path, "level", &diags, &last, &err);
	if (r == 0)
		ck_assert_uint_eq(diags.n_errors, 0);
	if (r == -EINVAL)
		ck_assert_uint_gt(diags.n_errors, 0);
	if (r < 0 && r != -EINVAL)
		ck_assert_int_gt(asprintf(&report, "%s\n", error_text(&err, r)), 0);
	else
		report = diags_text(&diags);
	return r;
}

int specs_load(const char *text)
{
	unit_write("infra.yml", text);
	return specs_load_path("infra.yml");
}

const struct spec *specs_last(void)
{
	return last;
}

const char *specs_report(void)
{
	return report;
}

/* Check cannot carry long messages, so only the line that differs is shown. */
void specs_expect(const char *ids, const char *text)
{
	const char *got = report;
	size_t n, m;

	while (*got || *text) {
		n = strcspn(got, "\n");
		m = strcspn(text, "\n");
		ck_assert_msg(n == m && memcmp(got, text, n) == 0, "%s: said '%.*s', not '%.*s'",
			ids, (int)n, got, (int)m, text);
		got += n + (got[n] == '\n');
		text += m + (text[m] == '\n');
	}
}

static const struct machine *find_machine(char *name, char **ret_rest)
{
	const char *domain = strsep(&name, "/");
	const char *machine = strsep(&name, "/");
	const struct domain *d;

	ck_assert_msg(last != NULL, "no spec: %s", report);
	d = infra_find_domain(spec_get_infra(last), domain);
	*ret_rest = name;
	return d && machine ? domain_find_machine(d, machine) : NULL;
}

const struct volume *specs_volume(const char *name)
{
	cleanup_free char *copy = strdup(name);
	const struct machine *m;
	const struct volume *v;
	char *rest;

	m = find_machine(copy, &rest);
	v = m && rest ? machine_find_volume(m, rest) : NULL;
	ck_assert_msg(v != NULL, "no volume '%s'", name);
	return v;
}

const char *specs_devices(const char *name)
{
	cleanup_device_list struct device_list list;
	cleanup_free char *copy = strdup(name);
	struct strbuf b = STRBUF_INIT;
	char *slash = strchr(copy, '/');

	*slash = '\0';
	device_list_init(&list);
	ck_assert_int_eq(spec_list_devices(last, copy, slash + 1, &list), 0);
	for (size_t i = 0; i < list.n_items; i++) {
		strbuf_printf(&b, "%s:", list.items[i].name);
		for (size_t j = 0; j < list.items[i].n_properties; j++)
			strbuf_printf(&b, " %s=%s", list.items[i].properties[j].key,
				list.items[i].properties[j].value);
		strbuf_puts(&b, "\n");
	}
	free(devices_text);
	devices_text = strbuf_steal(&b);
	return devices_text;
}
