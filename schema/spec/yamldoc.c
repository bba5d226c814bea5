/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "yamldoc.h"

#include <fcntl.h>
#include <string.h>
#include <yaml.h>

#include "fdio.h"
#include "str.h"
#include "yamlmap.h"
#include "yamlscalar.h"
#include "yamltext.h"

#define CHUNK_MIN (4u * 1024) /* the newest layout has many small files */
#define CHUNK_MAX (256u * 1024)
#define TAG_PREFIX "tag:yaml.org,2002:"

struct chunk {
	struct chunk *next;
	size_t used, size;
	max_align_t data[];
};

struct yamldoc {
	struct chunk *chunks;
	struct yamlnode *root;
	unsigned int file;
};

struct anchor {
	const char *name;
	struct yamlnode *node;
};

struct frame {
	struct yamlnode *node;
	size_t first; /* of its children on the builder's stack */
};

/* What reading needs beside its result. Children wait on one stack until their parent closes. */
struct builder {
	yaml_parser_t parser;
	struct yamldoc *doc;
	struct diags *diags;
	struct yamltext text;
	struct frame frames[YAMLDOC_DEPTH_MAX];
	size_t depth;
	struct yamlnode **stack;
	size_t n_stack, cap_stack;
	struct anchor *anchors;
	size_t n_anchors;
	size_t n_nodes, n_aliased;
};

/* Zeroed memory that lives as long as DOC. */
static void *doc_alloc(struct yamldoc *doc, size_t size)
{
	struct chunk *c = doc->chunks;
	void *p;

	size = (size + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
	if (!c || c->size - c->used < size) {
		size_t room = !c ? CHUNK_MIN : c->size < CHUNK_MAX ? c->size * 2 : CHUNK_MAX;

		if (room < size)
			room = size;
		c = calloc(1, sizeof(*c) + room);
		if (!c)
			return NULL;
		c->size = room;
		c->next = doc->chunks;
		doc->chunks = c;
	}
	p = (char *)c->data + c->used;
	c->used += size;
	return p;
}

static char *doc_strndup(struct yamldoc *doc, const char *text, size_t len)
{
	char *copy = doc_alloc(doc, len + 1);

	return copy ? memcpy(copy, text, len) : NULL;
}

void yamldoc_free(struct yamldoc *doc)
{
	if (!doc)
		return;

	while (doc->chunks) {
		struct chunk *next = doc->chunks->next;

		free(doc->chunks);
		doc->chunks = next;
	}
	free(doc);
}

const struct yamlnode *yamldoc_root(const struct yamldoc *doc)
{
	return doc->root;
}

struct yamlnode *yamldoc_add_name(struct yamldoc *doc, const char *text)
{
	struct yamlnode *node = doc_alloc(doc, sizeof(*node));

	if (!node)
		return NULL;
	*node = (struct yamlnode){
		.type = YAMLNODE_STRING,
		.weight = 1,
		.mark = {doc->file, 0, 0},
		.text = doc_strndup(doc, text, strlen(text)),
	};
	return node->text ? node : NULL;
}

static int refuse(struct builder *b, struct mark mark, const char *text)
{
	diags_error(b->diags, mark, "%s", text);
	return -EINVAL;
}

static struct mark event_mark(struct builder *b, const yaml_event_t *event)
{
	return yamltext_mark(&b->text, event->start_mark.index);
}

static struct yamlnode *new_node(struct builder *b, enum yamlnode_type type, struct mark mark)
{
	struct yamlnode *node = doc_alloc(b->doc, sizeof(*node));

	if (!node)
		return NULL;
	node->type = type;
	node->mark = mark;
	node->weight = 1;
	b->n_nodes++;
	return node;
}

static int push(struct builder *b, struct yamlnode *node)
{
	if (b->n_stack == b->cap_stack) {
		size_t cap = b->cap_stack ? b->cap_stack * 2 : 256;
		struct yamlnode **stack = reallocarray(b->stack, cap, sizeof(struct yamlnode *));

		if (!stack)
			return -ENOMEM;
		b->stack = stack;
		b->cap_stack = cap;
	}
	b->stack[b->n_stack++] = node;
	return 0;
}

static struct anchor *find_anchor(struct builder *b, const char *name)
{
	for (size_t i = 0; i < b->n_anchors; i++) {
		if (strcmp(b->anchors[i].name, name) == 0)
			return &b->anchors[i];
	}
	return NULL;
}

static int add_anchor(struct builder *b, const yaml_char_t *name, struct yamlnode *node)
{
	struct anchor *grown;

	if (!name)
		return 0;
	if (find_anchor(b, (const char *)name)) {
		diags_error(b->diags, node->mark, "anchor '&%s' is defined twice",
			SHOWN((const char *)name));
		return -EINVAL;
	}
	if (b->n_anchors == YAMLDOC_ANCHORS_MAX)
		return refuse(b, node->mark, "too many anchors");

	grown = reallocarray(b->anchors, b->n_anchors + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	b->anchors = grown;
	grown[b->n_anchors].name =
		doc_strndup(b->doc, (const char *)name, strlen((const char *)name));
	grown[b->n_anchors].node = node;
	return grown[b->n_anchors++].name ? 0 : -ENOMEM;
}

/* Append NODE to the open collection, or make it the root. */
static int add_child(struct builder *b, struct yamlnode *node)
{
	if (b->n_nodes > YAMLDOC_NODES_MAX)
		return refuse(b, node->mark, "too many values in one file");
	if (b->depth == 0) {
		b->doc->root = node;
		return 0;
	}
	return push(b, node);
}

static int on_alias(struct builder *b, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct anchor *anchor = find_anchor(b, name);
	struct mark mark = event_mark(b, event);

	if (!anchor) {
		diags_error(b->diags, mark, "alias '*%s' has no anchor", SHOWN(name));
		return -EINVAL;
	}
	if (anchor->node->is_open)
		return refuse(b, mark, "an alias inside its own anchor never ends");

	b->n_aliased += anchor->node->weight;
	if (b->n_aliased > YAMLDOC_ALIASED_MAX)
		return refuse(b, mark, "the aliases stand for too many values");
	return add_child(b, anchor->node);
}

static const struct {
	const char *tag;
	enum yamlnode_type type;
} tags[] = {
	{TAG_PREFIX "str", YAMLNODE_STRING},
	{TAG_PREFIX "null", YAMLNODE_NULL},
	{TAG_PREFIX "bool", YAMLNODE_BOOL},
	{TAG_PREFIX "int", YAMLNODE_INT},
	{TAG_PREFIX "float", YAMLNODE_FLOAT},
	{TAG_PREFIX "timestamp", YAMLNODE_DATE},
	{TAG_PREFIX "seq", YAMLNODE_LIST},
	{TAG_PREFIX "map", YAMLNODE_MAP},
};

/* Check TAG (NULL = none) against what the node turned out to be. */
static int check_tag(struct builder *b, const yaml_char_t *tag, const struct yamlnode *node)
{
	for (size_t i = 0; tag && i < ARRAY_SIZE(tags); i++) {
		if (strcmp(tags[i].tag, (const char *)tag) == 0 && tags[i].type == node->type)
			return 0;
	}
	if (!tag || strcmp((const char *)tag, "!") == 0)
		return 0;

	diags_error(b->diags, node->mark, "tag '%s' does not fit here: write plain YAML",
		SHOWN((const char *)tag));
	return -EINVAL;
}

static int on_scalar(struct builder *b, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	const char *tag = (const char *)event->data.scalar.tag;
	size_t len = event->data.scalar.length;
	struct yamlnode *node = new_node(b, YAMLNODE_STRING, event_mark(b, event));
	int r;

	if (!node)
		return -ENOMEM;
	if (memchr(text, '\0', len)) /* the value ends there, and the rest of the file is read */
		diags_error(b->diags, node->mark, "a NUL character (\\0) in a value");

	node->text = doc_strndup(b->doc, text, len);
	if (!node->text)
		return -ENOMEM;

	/* "!" means no tag to PyYAML; !!str is the only tag that keeps a word a string. */
	node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (tag && str_has_prefix(tag, TAG_PREFIX) ? strcmp(tag, TAG_PREFIX "str") != 0
						   : node->is_plain)
		node->type = yamlscalar_resolve(node->text, &node->is_true, &node->integer);

	r = check_tag(b, event->data.scalar.tag, node);
	if (r == 0)
		r = add_anchor(b, event->data.scalar.anchor, node);
	return r < 0 ? r : add_child(b, node);
}

static int open_collection(struct builder *b, const yaml_event_t *event, enum yamlnode_type type,
	const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct yamlnode *node = new_node(b, type, event_mark(b, event));
	int r;

	if (!node)
		return -ENOMEM;
	if (b->depth == YAMLDOC_DEPTH_MAX)
		return refuse(b, node->mark, "nested too deeply");

	node->is_open = true;
	r = check_tag(b, tag, node);
	if (r == 0)
		r = add_anchor(b, anchor, node);
	if (r == 0)
		r = add_child(b, node);
	if (r < 0)
		return r;

	b->frames[b->depth++] = (struct frame){node, b->n_stack};
	return 0;
}

/* What stands on the stack since F was opened; NULL = nothing, perhaps no stack yet. */
static struct yamlnode **frame_items(const struct builder *b, const struct frame *f)
{
	return b->n_stack > f->first ? b->stack + f->first : NULL;
}

static int close_list(struct builder *b, const struct frame *f)
{
	struct yamlnode *list = f->node;

	list->n_items = b->n_stack - f->first;
	list->items = doc_alloc(b->doc, list->n_items * sizeof(*list->items));
	if (!list->items)
		return -ENOMEM;
	if (list->n_items)
		memcpy(list->items, frame_items(b, f), list->n_items * sizeof(*list->items));
	return 0;
}

static int close_map(struct builder *b, const struct frame *f)
{
	cleanup_free struct yamlpair *pairs = NULL;
	struct yamlnode *map = f->node;
	int r;

	r = yamlmap_collect(
		frame_items(b, f), b->n_stack - f->first, b->diags, &pairs, &map->n_pairs);
	if (r < 0)
		return r;

	map->pairs = doc_alloc(b->doc, map->n_pairs * sizeof(*map->pairs));
	if (!map->pairs)
		return -ENOMEM;
	if (map->n_pairs)
		memcpy(map->pairs, pairs, map->n_pairs * sizeof(*map->pairs));
	return 0;
}

static uint32_t add_weights(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static int close_collection(struct builder *b)
{
	struct frame *f = &b->frames[--b->depth];
	int r;

	for (size_t i = f->first; i < b->n_stack; i++)
		f->node->weight = add_weights(f->node->weight, b->stack[i]->weight);

	r = f->node->type == YAMLNODE_LIST ? close_list(b, f) : close_map(b, f);
	f->node->is_open = false;
	b->n_stack = f->first;
	return r;
}

static int on_document(struct builder *b, const yaml_event_t *event)
{
	if (b->doc->root)
		return refuse(b, event_mark(b, event),
			"a second document begins here: one file holds one document");
	return 0;
}

static int on_event(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return on_document(b, event);
	case YAML_ALIAS_EVENT:
		return on_alias(b, event);
	case YAML_SCALAR_EVENT:
		return on_scalar(b, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_collection(b, event, YAMLNODE_LIST, event->data.sequence_start.anchor,
			event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return open_collection(b, event, YAMLNODE_MAP, event->data.mapping_start.anchor,
			event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_collection(b);
	default:
		return 0;
	}
}

static int syntax_error(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;
	struct mark mark = yamltext_mark(&b->text, p->problem_mark.index);
	const char *problem = p->problem ? p->problem : "unreadable";

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (b->text.offset < b->text.len && b->text.data[b->text.offset] == '\t')
		diags_error(b->diags, mark, "not YAML: a tab cannot indent, use spaces");
	else if (p->context)
		diags_error(b->diags, mark, "not YAML: %s %s", problem, p->context);
	else
		diags_error(b->diags, mark, "not YAML: %s", problem);
	return -EINVAL;
}

static int read_events(struct builder *b)
{
	bool at_end = false;
	int r = 0;

	while (r == 0 && !at_end) {
		yaml_event_t event;

		if (!yaml_parser_parse(&b->parser, &event))
			return syntax_error(b);
		at_end = event.type == YAML_STREAM_END_EVENT;
		r = on_event(b, &event);
		yaml_event_delete(&event);
	}
	return r;
}

static int build(struct builder *b)
{
	size_t skip = b->text.offset; /* the byte order mark */
	int r;

	r = yamltext_check(&b->text, b->diags);
	if (r < 0)
		return r;
	if (!yaml_parser_initialize(&b->parser))
		return -ENOMEM;

	yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&b->parser, (const unsigned char *)b->text.data + skip, b->text.len - skip);
	r = read_events(b);
	yaml_parser_delete(&b->parser);
	if (r == 0 && !b->doc->root)
		b->doc->root = new_node(b, YAMLNODE_NULL, (struct mark){b->doc->file, 0, 0});
	return r < 0 ? r : b->doc->root ? 0 : -ENOMEM;
}

int yamldoc_parse(
	const char *name, const char *text, size_t len, struct diags *diags, struct yamldoc **ret)
{
	cleanup_yamldoc struct yamldoc *doc = calloc(1, sizeof(*doc));
	cleanup_free struct builder *b = calloc(1, sizeof(*b));
	int r;

	if (!doc || !b)
		return -ENOMEM;

	doc->file = diags_add_file(diags, name, text, len);
	b->doc = doc;
	b->diags = diags;
	yamltext_init(&b->text, text, len, doc->file);
	r = build(b);
	yamltext_finish(&b->text);
	free(b->stack);
	free(b->anchors);
	if (r == 0 && diags->out_of_memory)
		r = -ENOMEM;
	if (r < 0)
		return r;

	*ret = steal_ptr(&doc);
	return 0;
}

int yamldoc_load(const char *path, struct diags *diags, struct yamldoc **ret, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	int r;

	r = read_file(AT_FDCWD, path, YAMLDOC_SIZE_MAX, &text, &len);
	if (r == -EFBIG) {
		unsigned int file = diags_add_file(diags, path, NULL, 0);

		diags_error(diags, (struct mark){file, 0, 0}, "larger than %u MiB",
			YAMLDOC_SIZE_MAX >> 20);
		return -EINVAL;
	}
	if (r < 0) /* -EINVAL would promise something in DIAGS */
		return error_errno(err, r == -EINVAL ? -EIO : r, "cannot read '%s'", path);

	r = yamldoc_parse(path, text, len, diags, ret);
	return r == -ENOMEM ? error_errno(err, r, "cannot parse '%s'", path) : r;
}
