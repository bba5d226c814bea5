/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "changes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

void change_list_finish(struct change_list *list)
{
	for (size_t i = 0; i < list->n_items; i++) {
		free(list->items[i].volume);
		free(list->items[i].detail);
	}
	free(list->items);
	*list = (struct change_list){0};
}

int change_list_add(
	struct change_list *list, enum change_kind kind, const char *volume, const char *detail)
{
	struct change *items = list->items;
	struct change *c;

	if ((list->n_items & (list->n_items - 1)) == 0) {
		items = reallocarray(items, list->n_items ? list->n_items * 2 : 1, sizeof(*items));
		if (!items)
			return -ENOMEM;
		list->items = items;
	}

	c = &items[list->n_items++];
	*c = (struct change){.kind = kind, .volume = strdup(volume)};
	if (detail && *detail)
		c->detail = strdup(detail);
	return c->volume && (c->detail || !detail || !*detail) ? 0 : -ENOMEM;
}

void changes_add(struct strbuf *b, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		b->failed = true;
		return;
	}
	if (b->len)
		strbuf_puts(b, ", ");
	strbuf_puts(b, text);
}

void changes_describe_domain(struct strbuf *b, const struct domain *have, const struct domain *want)
{
	if (have->is_enabled != want->is_enabled)
		changes_add(b, "domain %s", want->is_enabled ? "enabled" : "disabled");
}

void changes_describe_machine(
	struct strbuf *b, const struct machine *have, const struct machine *want)
{
	if (!str_equal(have->project, want->project) || !str_equal(have->instance, want->instance))
		changes_add(b, "instance %s/%s -> %s/%s%s", have->project, have->instance,
			want->project, want->instance,
			have->has_owner_override ? " in the spec, override kept" : "");
	if (have->is_vm != want->is_vm)
		changes_add(b, "type %s", want->is_vm ? "vm" : "lxc");
	if (have->is_ephemeral != want->is_ephemeral)
		changes_add(b, "machine %s", want->is_ephemeral ? "ephemeral" : "not ephemeral");
}

static void describe_text(struct strbuf *b, const char *what, const char *have, const char *want)
{
	if (!str_equal(have, want))
		changes_add(b, "%s %s -> %s", what, have ? have : "none", want ? want : "none");
}

static const char *on_off(bool is_on)
{
	return is_on ? "on" : "off";
}

static void describe_flag(struct strbuf *b, const char *what, unsigned int flag,
	const struct volume *have, const struct volume *want, enum flag_override override)
{
	bool is_on = want->spec_flags & flag;

	if (!((have->spec_flags ^ want->spec_flags) & flag))
		return;
	if (override == FLAG_INHERIT)
		changes_add(b, "%s %s -> %s", what, on_off(!is_on), on_off(is_on));
	else
		changes_add(b, "%s: spec %s, override %s kept", what, on_off(is_on),
			on_off(override == FLAG_ON));
}

void changes_describe_volume(struct strbuf *b, const struct volume *have, const struct volume *want)
{
	describe_text(b, "path", have->path, want->path);
	describe_text(b, "class", have->class, want->class);
	if (!str_equal(have->description, want->description))
		changes_add(b, "description");
	if (have->size_bytes != want->size_bytes)
		changes_add(b, "size %" PRIu64 " -> %" PRIu64, have->size_bytes, want->size_bytes);
	if (have->uid != want->uid || have->gid != want->gid)
		changes_add(b, "owner %u:%u -> %u:%u%s", have->uid, have->gid, want->uid, want->gid,
			have->has_ids_override ? " in the spec, override kept" : "");
	if (have->mode != want->mode)
		changes_add(b, "mode %04o -> %04o", have->mode, want->mode);
	describe_flag(b, "readonly", VOLUME_READONLY, have, want, have->readonly_override);
	describe_flag(b, "protected", VOLUME_PROTECTED, have, want, have->protected_override);
}

const char *changes_flag_text(bool is_in_spec, enum flag_override value)
{
	if (value == FLAG_INHERIT)
		return is_in_spec ? "on (spec)" : "off (spec)";
	return on_off(value == FLAG_ON);
}
