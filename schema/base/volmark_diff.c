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
	const char *key;
	json_t *value;

	json_object_foreach (a, key, value)
		diff_values(out, parent, key, value, json_object_get(b, key));
	json_object_foreach (b, key, value) {
		if (!json_object_get(a, key))
			add_key(out, parent, key);
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
