/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "volmark.h"

#include "str.h"

#include <jansson.h>
#include <string.h>

/* json_decrefp() comes with jansson. */
#define cleanup_json cleanup_(json_decrefp)

static void add_key(struct strbuf *b, const char *parent, const char *key)
{
	if (b->len)
		strbuf_puts(b, ", ");
	if (parent)
		strbuf_printf(b, "%s.", parent);
	strbuf_puts(b, key);
}

static void diff_objects(struct strbuf *out, const char *parent, json_t *a, json_t *b);

static void diff_values(
	struct strbuf *out, const char *parent, const char *key, json_t *a, json_t *b)
{
	if (json_is_object(a) && json_is_object(b))
		diff_objects(out, key, a, b);
	else if (!json_equal(a, b))
		add_key(out, parent, key);
}

static void diff_objects(struct strbuf *out, const char *parent, json_t *a, json_t *b)
{
	for (void *i = json_object_iter(a); i; i = json_object_iter_next(a, i)) {
		const char *key = json_object_iter_key(i);

		diff_values(out, parent, key, json_object_iter_value(i), json_object_get(b, key));
	}
	for (void *i = json_object_iter(b); i; i = json_object_iter_next(b, i)) {
		if (!json_object_get(a, json_object_iter_key(i)))
			add_key(out, parent, json_object_iter_key(i));
	}
}

char *volmark_list_differences(const char *a, size_t a_len, const char *b, size_t b_len)
{
	cleanup_json json_t *json_a =
		json_loadb(a + VOLMARK_HEAD_SIZE, a_len - VOLMARK_HEAD_SIZE, 0, NULL);
	cleanup_json json_t *json_b =
		json_loadb(b + VOLMARK_HEAD_SIZE, b_len - VOLMARK_HEAD_SIZE, 0, NULL);
	struct strbuf out = STRBUF_INIT;

	if (!json_a || !json_b)
		return NULL;
	diff_objects(&out, NULL, json_a, json_b);
	return strbuf_steal(&out);
}
