/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worlds.h"

#include <check.h>
#include <string.h>

#include "str.h"

static void add_users(struct world_object *o, char *list)
{
	char *word;

	while ((word = strsep(&list, ","))) {
		enum world_user_kind kind = *word == '@'   ? WORLD_USER_PROFILE
					    : *word == '*' ? WORLD_USER_OTHER
							   : WORLD_USER_INSTANCE;
		char *name = strchr(word, '/');

		ck_assert_ptr_nonnull(name);
		*name++ = '\0';
		word += kind != WORLD_USER_INSTANCE;
		ck_assert_ptr_nonnull(world_add_user(o, kind, word, name));
	}
}

static void add_object(struct world_project *p, const char *kind, char *name)
{
	const struct {
		const char *word;
		struct world_objects *objects;
	} kinds[] = {
		{"img", &p->images},
		{"prof", &p->profiles},
		{"vol", &p->volumes},
		{"net", &p->networks},
		{"nic", &p->networks},
	};
	char *users = strchr(name, '<');

	if (users)
		*users++ = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct world_object *o;

		if (strcmp(kinds[i].word, kind) != 0)
			continue;
		o = world_add_object(kinds[i].objects, name);
		ck_assert_ptr_nonnull(o);
		o->is_managed = strcmp(kind, "nic") != 0;
		if (users)
			add_users(o, users);
		return;
	}
	ck_abort_msg("no kind '%s'", kind);
}

static void add_instance(struct world_project *p, char *word)
{
	char *priority = strchr(word, '@');
	size_t last = strcspn(word, "!?@");
	char mark = word[last];
	struct world_instance *i;

	word[last] = '\0';
	i = world_add_instance(p, word);
	ck_assert_ptr_nonnull(i);
	i->is_protected = mark == '!' || mark == '?';
	i->is_unreadable = mark == '?';
	if (priority)
		ck_assert_int_eq(
			sscanf(priority + 1, "%ld/%ld", &i->stop_priority, &i->start_priority), 2);
}

void worlds_make(const char *text, struct world *ret)
{
	cleanup_free char *copy = strdup(text);
	struct world_project *p = NULL;
	char *rest = copy;
	char *word;

	world_init(ret);
	while ((word = strsep(&rest, " "))) {
		char *value = strchr(word, '=');

		if (*word == '\0')
			continue;
		if (*word == '[') {
			word[strlen(word) - 1] = '\0';
			p = world_add_project(ret, word + 1);
			ck_assert_ptr_nonnull(p);
			continue;
		}
		ck_assert_ptr_nonnull(p);
		if (value) {
			*value = '\0';
			add_object(p, word, value + 1);
		} else {
			add_instance(p, word);
		}
	}
	world_sort(ret);
}

static void know_machine(struct infra *infra, const char *prefix, char *domain, char *name)
{
	struct domain *d = infra_find_domain(infra, domain);
	char *owner = strchr(name, '=');
	size_t end = strcspn(name, "~=");
	struct machine *m;

	if (!d)
		d = infra_add_domain(infra, domain);
	if (!*name)
		return;
	if (owner)
		*owner++ = '\0';
	m = domain_add_machine(d, name);
	m->is_ephemeral = name[end] == '~';
	m->name[end] = '\0';
	m->has_owner_override = owner;
	if (owner) {
		m->project = strdup(strsep(&owner, "/"));
		m->instance = strdup(owner);
		return;
	}
	ck_assert_int_gt(asprintf(&m->project, "%s%s", prefix, domain), 0);
	ck_assert_int_gt(asprintf(&m->instance, "%s%s", prefix, m->name), 0);
}

void worlds_know(const char *text, const char *prefix, struct known *known)
{
	cleanup_infra struct infra infra = {0};
	cleanup_free char *copy = strdup(text);
	char *rest = copy;
	char *word;

	while ((word = strsep(&rest, " "))) {
		char *name = strchr(word, '/');

		if (!name)
			continue;
		*name++ = '\0';
		know_machine(&infra, prefix, word, name);
	}
	ck_assert_int_eq(known_add(known, &infra), 0);
}

char *worlds_describe(const struct plan *plan)
{
	cleanup_strbuf struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < plan->n_items; i++) {
		const struct step *s = &plan->items[i];
		cleanup_free char *object = step_object(s);
		const char *what = s->must_unprotect ? "unprotect" : "delete";

		if (s->state == STEP_SKIPPED)
			what = step_reason_word(s->reason);
		strbuf_printf(
			&b, "%s%s %s %s", i ? "\n" : "", what, step_kind_word(s->kind), object);
	}
	return strbuf_steal(&b);
}
