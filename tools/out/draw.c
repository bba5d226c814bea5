/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "draw.h"

#include <libsmartcols/libsmartcols.h>
#include <string.h>

#include "rows.h"
#include "str.h"

DEFINE_CLEANUP(unref_tablep, struct libscols_table *, scols_unref_table)

/* A line with TEXT (which is freed) below PARENT; NULL when out of memory. */
static struct libscols_line *add_line(
	struct libscols_table *table, struct libscols_line *parent, char *text)
{
	cleanup_free char *owned = text;
	cleanup_free char *printable = text ? out_printable(text) : NULL;
	struct libscols_line *line = printable ? scols_table_new_line(table, parent) : NULL;

	return line && scols_line_set_data(line, 0, printable) == 0 ? line : NULL;
}

static char *machine_text(const struct machine *m)
{
	cleanup_strbuf struct strbuf b = STRBUF_INIT;

	strbuf_puts(&b, m->name);
	if (m->is_vm)
		strbuf_puts(&b, " (vm)");
	if (m->instance && !str_equal(m->instance, m->name))
		strbuf_printf(&b, " (%s)", m->instance);
	return strbuf_steal(&b);
}

static char *volume_text(const struct volume *v)
{
	cleanup_strbuf struct strbuf b = STRBUF_INIT;
	char words[64];

	strbuf_puts(&b, v->name);
	if (v->path)
		strbuf_printf(&b, "  %s", v->path);
	if (*row_flag_words(v, words))
		strbuf_printf(&b, "  [%s]", words);
	return strbuf_steal(&b);
}

static char *domain_text(const struct domain *d)
{
	char *text;

	return asprintf(&text, "%s%s", d->name, d->is_enabled ? "" : " (disabled)") < 0 ? NULL
											: text;
}

static int add_volumes(
	struct libscols_table *table, struct libscols_line *root, const struct selection *selected)
{
	const struct volume_ref *last = NULL;
	struct libscols_line *domain = NULL;
	struct libscols_line *machine = NULL;

	for (size_t i = 0; i < selected->n_items; i++) {
		const struct volume_ref *ref = &selected->items[i];

		if (!last || last->domain != ref->domain)
			domain = add_line(table, root, domain_text(ref->domain));
		if (domain && (!last || last->machine != ref->machine))
			machine = add_line(table, domain, machine_text(ref->machine));
		if (!domain || !machine || !add_line(table, machine, volume_text(ref->volume)))
			return -ENOMEM;
		last = ref;
	}
	return 0;
}

int draw_tree(FILE *out, const char *root, const struct selection *selected, struct error *err)
{
	cleanup_(unref_tablep) struct libscols_table *table = scols_new_table();
	struct libscols_line *top;
	int r;

	if (!table)
		return error_set(err, -ENOMEM, "out of memory");

	scols_table_set_stream(table, out);
	scols_table_enable_noheadings(table, 1);
	scols_table_enable_noencoding(table, 1); /* out_printable() did it */
	if (!scols_table_new_column(table, "NAME", 0, SCOLS_FL_TREE))
		return error_set(err, -ENOMEM, "out of memory");

	top = add_line(table, NULL, strdup(root));
	if (!top || add_volumes(table, top, selected) < 0)
		return error_set(err, -ENOMEM, "out of memory");

	r = scols_print_table(table);
	return r < 0 ? error_errno(err, r, "cannot print") : 0;
}
