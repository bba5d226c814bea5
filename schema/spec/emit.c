/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "emit.h"

#include <jansson.h>
#include <string.h>

#include "str.h"
#include "yamlscalar.h"

#define MANAGED_BEGIN "# === MANAGED BY infra.yml ==="
#define MANAGED_END "# === END MANAGED ==="
#define MANAGED_NOTICE "# Do not edit this section — it will be overwritten by `make sync`"
#define MANAGED_KEY "instance_devices:"
#define CUSTOM_NOTICE "# Your custom variables below:"

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* Words that some reader, YAML 1.1 or 1.2, takes for something else than a string. */
static bool is_typed(const char *text)
{
	int64_t integer;
	bool is_true;
	char *end;

	if (yamlscalar_resolve(text, &is_true, &integer) != YAMLNODE_STRING)
		return true;
	if (strlen(text) == 1 && strchr("yYnN", *text))
		return true;
	if (str_has_prefix(text, "0o"))
		return true;
	(void)strtod(text, &end);
	return *end == '\0';
}

/* Strings that no YAML reader can misread without quotes; wrongly saying no only costs quotes. */
static bool is_plain(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && strchr(ALNUM "/_", text[0]) && text[n - 1] != ':' &&
	       text[strspn(text, ALNUM "/_.+=@:-")] == '\0' && !is_typed(text);
}

static bool is_printable(const char *text)
{
	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			return false;
	}
	return true;
}

/* In double quotes every byte below 0x20 has an escape; bytes above 0x7f are UTF-8 and stay. */
static void add_double_quoted(struct strbuf *b, const char *text)
{
	strbuf_puts(b, "\"");
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\')
			strbuf_printf(b, "\\%c", *p);
		else if ((unsigned char)*p < 0x20 || *p == 0x7f)
			strbuf_printf(b, "\\x%02x", (unsigned char)*p);
		else
			strbuf_add(b, p, 1);
	}
	strbuf_puts(b, "\"");
}

static void add_single_quoted(struct strbuf *b, const char *text)
{
	strbuf_puts(b, "'");
	for (const char *p = text; *p; p++)
		strbuf_puts(b, *p == '\'' ? "''" : (const char[]){*p, '\0'});
	strbuf_puts(b, "'");
}

/* QUOTE is the reader's own choice where quotes are needed: Incus writes ", PyYAML '. */
static void add_yaml(struct strbuf *b, const char *text, char quote)
{
	if (is_plain(text))
		strbuf_puts(b, text);
	else if (quote == '\'' && is_printable(text))
		add_single_quoted(b, text);
	else
		add_double_quoted(b, text);
}

static void add_devices(
	struct strbuf *b, const struct device_list *devices, const char *key, char quote)
{
	strbuf_printf(b, "%s%s\n", key, devices->n_items ? "" : " {}");
	for (size_t i = 0; i < devices->n_items; i++) {
		const struct device *d = &devices->items[i];

		strbuf_puts(b, "  ");
		add_yaml(b, d->name, quote);
		strbuf_puts(b, d->n_properties ? ":\n" : ": {}\n");
		for (size_t j = 0; j < d->n_properties; j++) {
			strbuf_puts(b, "    ");
			add_yaml(b, d->properties[j].key, quote);
			strbuf_puts(b, ": ");
			add_yaml(b, d->properties[j].value, quote);
			strbuf_puts(b, "\n");
		}
	}
}

char *emit_incus_yaml(const struct device_list *devices)
{
	struct strbuf b = STRBUF_INIT;

	add_devices(&b, devices, "devices:", '"');
	return strbuf_steal(&b);
}

static json_t *device_to_json(const struct device *d)
{
	json_t *object = json_object();

	for (size_t i = 0; object && i < d->n_properties; i++) {
		if (json_object_set_new(object, d->properties[i].key,
			    json_string(d->properties[i].value)) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static int add_text(const char *text, size_t len, void *data)
{
	struct strbuf *b = data;

	strbuf_add(b, text, len);
	return b->failed ? -1 : 0;
}

char *emit_json(const struct device_list *devices)
{
	json_t *object = json_object();
	struct strbuf text = STRBUF_INIT;
	bool ok = object;

	for (size_t i = 0; ok && i < devices->n_items; i++)
		ok = json_object_set_new(object, devices->items[i].name,
			     device_to_json(&devices->items[i])) == 0;
	/* Not json_dumps(): without memory its buffer loses pieces of the text, and says nothing. */
	if (ok)
		ok = json_dump_callback(object, add_text, &text, JSON_INDENT(2)) == 0;
	json_decref(object);
	if (ok)
		return strbuf_steal(&text);
	strbuf_finish(&text);
	return NULL;
}

static void add_shell(struct strbuf *b, const char *text)
{
	if (*text && text[strspn(text, ALNUM "/_.+=@:,-")] == '\0') {
		strbuf_puts(b, text);
		return;
	}
	strbuf_puts(b, "'");
	for (const char *p = text; *p; p++)
		strbuf_puts(b, *p == '\'' ? "'\\''" : (const char[]){*p, '\0'});
	strbuf_puts(b, "'");
}

static void add_command(
	struct strbuf *b, const struct device *d, const char *project, const char *instance)
{
	const char *type = device_get(d, "type");

	strbuf_puts(b, "incus config device add --project ");
	add_shell(b, project);
	strbuf_puts(b, " ");
	add_shell(b, instance);
	strbuf_puts(b, " ");
	add_shell(b, d->name);
	strbuf_puts(b, " ");
	add_shell(b, type ? type : "none");
	for (size_t i = 0; i < d->n_properties; i++) {
		cleanup_strbuf struct strbuf pair = STRBUF_INIT;

		if (strcmp(d->properties[i].key, "type") == 0)
			continue;
		strbuf_printf(&pair, "%s=%s", d->properties[i].key, d->properties[i].value);
		strbuf_puts(b, " ");
		if (pair.failed)
			b->failed = true;
		else
			add_shell(b, pair.data);
	}
	strbuf_puts(b, "\n");
}

char *emit_commands(const struct device_list *devices, const char *project, const char *instance)
{
	struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < devices->n_items; i++)
		add_command(&b, &devices->items[i], project, instance);
	return strbuf_steal(&b);
}

/* The key is absent when there is no device, as upstream writes it. */
static void add_variable(struct strbuf *b, const struct device_list *devices)
{
	if (devices->n_items)
		add_devices(b, devices, MANAGED_KEY, '\'');
}

static void add_block(struct strbuf *b, const struct device_list *devices)
{
	strbuf_puts(b, MANAGED_BEGIN "\n" MANAGED_NOTICE "\n");
	add_variable(b, devices);
	strbuf_puts(b, MANAGED_END "\n");
}

char *emit_host_vars(const struct device_list *devices)
{
	struct strbuf b = STRBUF_INIT;

	add_block(&b, devices);
	return strbuf_steal(&b);
}

static const char *next_line(const char *p)
{
	p += strcspn(p, "\n");
	return *p ? p + 1 : p;
}

/* The first line in [P, END) that begins with WORD, END when there is none. */
static const char *find_line(const char *p, const char *end, const char *word)
{
	for (; p < end; p = next_line(p)) {
		if (str_has_prefix(p, word))
			return p;
	}
	return end;
}

/* The end of the key at P: its value is indented below it. */
static const char *skip_key(const char *p, const char *end)
{
	for (p = next_line(p); p < end && (*p == ' ' || *p == '\t' || *p == '\n');)
		p = next_line(p);
	return p;
}

/* A file without a block: it goes in front, but behind the line that opens the document. */
static char *prepend_block(const char *text, const struct device_list *devices)
{
	struct strbuf b = STRBUF_INIT;

	if (str_has_prefix(text, "---"))
		text = next_line(text);
	strbuf_puts(&b, "---\n");
	add_block(&b, devices);
	strbuf_puts(&b, "\n");
	strbuf_puts(&b, *text ? text : CUSTOM_NOTICE "\n");
	return strbuf_steal(&b);
}

char *emit_merge_host_vars(const char *text, const struct device_list *devices)
{
	struct strbuf b = STRBUF_INIT;
	const char *end = text ? text + strlen(text) : NULL;
	const char *begin = text ? find_line(text, end, MANAGED_BEGIN) : NULL;
	const char *block_end = text ? find_line(begin, end, MANAGED_END) : NULL;
	const char *key;

	if (!text || block_end == end)
		return prepend_block(text ? text : "", devices);

	key = find_line(begin, block_end, MANAGED_KEY);
	strbuf_add(&b, text, key - text);
	add_variable(&b, devices);
	strbuf_puts(&b, key == block_end ? key : skip_key(key, block_end));
	return strbuf_steal(&b);
}

/* True when [P, END) has only lines that come with every generated file. */
static bool is_boilerplate(const char *p, const char *end)
{
	static const char *const lines[] = {"", "---", CUSTOM_NOTICE};
	bool is_known = true;

	for (; p < end && is_known; p = next_line(p)) {
		size_t len = strcspn(p, "\n");

		is_known = false;
		for (size_t i = 0; i < ARRAY_SIZE(lines) && !is_known; i++)
			is_known = strlen(lines[i]) == len && memcmp(lines[i], p, len) == 0;
	}
	return is_known;
}

bool emit_is_generated(const char *text)
{
	const char *end = text + strlen(text);
	const char *begin = find_line(text, end, MANAGED_BEGIN);
	const char *block_end = find_line(begin, end, MANAGED_END);

	return block_end < end && is_boilerplate(text, begin) &&
	       is_boilerplate(next_line(block_end), end);
}
