/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "select.h"

#include <fnmatch.h>
#include <string.h>

#include "path.h"
#include "str.h"

#define CANDIDATES_MAX 10 /* listed for an ambiguous name */

void selection_finish(struct selection *s)
{
	free(s->items);
	*s = (struct selection){NULL, 0};
}

const char *volume_ref_name(const struct volume_ref *ref, char buf[VOLUME_NAME_MAX])
{
	snprintf(buf, VOLUME_NAME_MAX, "%s/%s/%s", ref->domain->name, ref->machine->name,
		ref->volume->name);
	return buf;
}

int select_all(const struct infra *infra, struct selection *ret, struct error *err)
{
	size_t n = infra_count_volumes(infra);
	struct volume_ref *items = calloc(n ? n : 1, sizeof(*items));
	size_t i = 0;

	if (!items)
		return error_set(err, -ENOMEM, "out of memory");

	for (size_t d = 0; d < infra->n_domains; d++) {
		const struct domain *domain = &infra->domains[d];

		for (size_t m = 0; m < domain->n_machines; m++) {
			const struct machine *machine = &domain->machines[m];

			for (size_t v = 0; v < machine->n_volumes; v++)
				items[i++] =
					(struct volume_ref){domain, machine, &machine->volumes[v]};
		}
	}
	*ret = (struct selection){items, n};
	return 0;
}

/* A word cut at its slashes: 1 to 3 components. */
struct word {
	char text[VOLUME_NAME_MAX];
	const char *parts[3];
	size_t n_parts;
	bool is_pattern;
};

static bool word_parse(struct word *w, const char *text)
{
	size_t len = strlen(text);
	char *rest = w->text;

	while (len > 1 && text[len - 1] == '/')
		len--; /* as the shell completes directories */
	if (len == 0 || len >= sizeof(w->text))
		return false;

	memcpy(w->text, text, len);
	w->text[len] = '\0';
	w->is_pattern = strpbrk(w->text, "*?[") != NULL;
	w->n_parts = 0;
	while (rest) {
		if (w->n_parts == ARRAY_SIZE(w->parts))
			return false;
		w->parts[w->n_parts++] = strsep(&rest, "/");
	}
	return true;
}

/* True when the components of W, from component FIRST of the name on, are those of REF. */
static bool word_fits(const struct word *w, size_t first, const struct volume_ref *ref)
{
	const char *const names[] = {ref->domain->name, ref->machine->name, ref->volume->name};

	for (size_t i = 0; i < w->n_parts; i++) {
		const char *name = names[first + i];

		if (w->is_pattern ? fnmatch(w->parts[i], name, 0) != 0
				  : strcmp(w->parts[i], name) != 0)
			return false;
	}
	return true;
}

static size_t count_fits(const struct word *w, size_t first, const struct selection *all)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n_items; i++)
		n += word_fits(w, first, &all->items[i]);
	return n;
}

static void mark_fits(const struct word *w, size_t first, const struct selection *all, bool *chosen)
{
	for (size_t i = 0; i < all->n_items; i++)
		chosen[i] |= word_fits(w, first, &all->items[i]);
}

static int ambiguous(const struct word *w, size_t first, const struct selection *all, size_t n,
	struct error *err)
{
	cleanup_strbuf struct strbuf b = STRBUF_INIT;
	size_t shown = 0;

	strbuf_printf(&b, "'%s' means %zu volumes, name one of them:", w->text, n);
	for (size_t i = 0; i < all->n_items && shown < CANDIDATES_MAX; i++) {
		char name[VOLUME_NAME_MAX];

		if (!word_fits(w, first, &all->items[i]))
			continue;
		strbuf_printf(&b, "\n  %s", volume_ref_name(&all->items[i], name));
		shown++;
	}
	if (n > shown)
		strbuf_printf(&b, "\n  and %zu more", n - shown);
	return error_set(err, -ENOTUNIQ, "%s", b.failed ? "ambiguous name" : b.data);
}

/* The full name nearest to TEXT, or the nearest among last components; NULL = nothing near. */
static const char *nearest(const struct selection *all, const char *text, char buf[VOLUME_NAME_MAX])
{
	cleanup_free const char **words = calloc(all->n_items, sizeof(*words));
	cleanup_free char(*names)[VOLUME_NAME_MAX] = calloc(all->n_items, sizeof(*names));
	const char *hit;

	if (!words || !names)
		return NULL;

	for (size_t i = 0; i < all->n_items; i++) {
		const struct volume_ref *ref = &all->items[i];

		if (strchr(text, '/'))
			words[i] = volume_ref_name(ref, names[i]);
		else
			words[i] = ref->volume->name;
	}
	hit = str_nearest(text, words, all->n_items);
	if (!hit)
		return NULL;
	for (size_t i = 0; i < all->n_items; i++) {
		if (words[i] == hit)
			return volume_ref_name(&all->items[i], buf);
	}
	return NULL;
}

static int not_found(const char *text, const struct selection *all, struct error *err)
{
	char buf[VOLUME_NAME_MAX];
	const char *hint = all->n_items && *text ? nearest(all, text, buf) : NULL;

	if (strpbrk(text, "*?["))
		return error_set(err, -ENOENT, "no volume fits '%s'", text);
	if (hint)
		return error_set(err, -ENOENT, "no volume '%s'; is it '%s'?", text, hint);
	return error_set(err, -ENOENT, "no volume '%s'; 'anklume-fsctl ls' lists them", text);
}

/* Mark in CHOSEN what one word means. */
static int mark_word(const char *text, const struct selection *all, enum select_mode mode,
	bool *chosen, struct error *err)
{
	struct word w = {.n_parts = 0};
	/* Where the word may start in a name: to fit its end, its beginning, its middle. */
	static const size_t starts[] = {2, 0, 1, 1, 0, 0};
	static const struct {
		size_t first, n;
	} of_length[] = {{0, 0}, {0, 3}, {3, 2}, {5, 1}};
	size_t n = 0;

	if (!word_parse(&w, text))
		return not_found(text, all, err);

	for (size_t i = 0; i < of_length[w.n_parts].n; i++) {
		size_t start = starts[of_length[w.n_parts].first + i];
		size_t hits = count_fits(&w, start, all);

		if (hits > 1 && !w.is_pattern && mode == SELECT_EXACT)
			return ambiguous(&w, start, all, hits, err);
		mark_fits(&w, start, all, chosen);
		n += hits;
		if (n > 0 && mode == SELECT_EXACT)
			break;
	}
	return n > 0 ? 0 : not_found(text, all, err);
}

int select_volumes(const struct infra *infra, const char *const *words, size_t n,
	enum select_mode mode, struct selection *ret, struct error *err)
{
	cleanup_selection struct selection all = {NULL, 0};
	cleanup_free bool *chosen = NULL;
	size_t n_chosen = 0;
	int r;

	r = select_all(infra, &all, err);
	if (r < 0)
		return r;
	chosen = calloc(all.n_items ? all.n_items : 1, sizeof(*chosen));
	if (!chosen)
		return error_set(err, -ENOMEM, "out of memory");

	for (size_t i = 0; i < n; i++) {
		r = mark_word(words[i], &all, mode, chosen, err);
		if (r < 0)
			return r;
	}

	for (size_t i = 0; i < all.n_items; i++) {
		if (chosen[i])
			all.items[n_chosen++] = all.items[i];
	}
	all.n_items = n_chosen;
	*ret = all;
	all = (struct selection){NULL, 0};
	return 0;
}
