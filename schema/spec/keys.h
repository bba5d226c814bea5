/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_KEYS_H
#define ANKLUME_KEYS_H

/* The table spec_keys.def, and the walk that holds a spec against it: known keys, types, names. */

#include "yamldoc.h"

enum key_layout {
	LAYOUT_INFRA = 1u << 0, /* infra.yml, infra/ */
	LAYOUT_ANKLUME = 1u << 1, /* anklume.yml + domains/ */
	LAYOUT_BOTH = LAYOUT_INFRA | LAYOUT_ANKLUME,
};

enum key_flag {
	STRICT = 1u << 0, /* a wrong type is an error, else a warning */
	REQUIRED = 1u << 1,
};

enum place_flag {
	NAMES_DNS = 1u << 0,
	EMPTY_OK = 1u << 1,
	CLOSED = 1u << 2,
	ANY_KEY = 1u << 3, /* the keys are Incus' own, each a plain value */
};

#define TRUST_LEVELS "admin|trusted|semi-trusted|untrusted|disposable"

enum place {
	PLACE_NONE,
#define PLACE(id, ...) PLACE_##id,
#include "spec_keys.def"
	N_PLACES,
};

enum key_type {
	KEY_TEXT,
	KEY_BOOL,
	KEY_INT,
	KEY_CHOICE,
	KEY_PATH,
	KEY_NAME,
	KEY_SIZE,
	KEY_OWNER,
	KEY_MODE,
	KEY_CRON,
	KEY_AGE,
	KEY_IPV4,
	KEY_LIST,
	KEY_TEXTS, /* a list of strings */
	KEY_PORTS, /* a list of port numbers, or "all" */
	KEY_CONFIG, /* a map of plain values */
	KEY_ACCESS, /* a map to "ro" or "rw" */
	KEY_ANY,
	KEY_MAP, /* one CHILD */
	KEY_MAP_OR_TRUE,
	KEY_MAPS, /* a list of CHILD */
	KEY_ENTRIES, /* a map: name -> CHILD */
	KEY_VOLUMES, /* the same, or "universal", or a list of names of universal volumes */
	KEY_VOLUMES_OR_PATHS, /* the same, where a string stands for {path: string} */
	N_KEY_TYPES,
};

struct key {
	enum place place;
	enum key_layout layouts;
	const char *name;
	enum key_type type;
	const char *arg; /* NULL = none */
	enum place child;
	const char *default_text; /* NULL = none */
	unsigned int flags; /* enum key_flag */
	const char *since;
	const char *doc;
};

struct place_info {
	const char *id;
	const char *path; /* for documents: "machines.<machine>" */
	const char *noun; /* "" = it is no named entry */
	unsigned int flags; /* enum place_flag */
};

/* The keys in the order of the table, a place's keys next to each other; NULL behind the last. */
const struct key *key_at(size_t i);
const struct place_info *place_info(enum place place);

/* The key NAME that PLACE has in LAYOUT (any of its bits); NULL when there is none. */
const struct key *key_find(enum place place, unsigned int layout, const char *name);

/* Where the walk is, for messages; a chain that lives on the stack. */
struct where {
	const struct where *up; /* NULL = the file */
	const char *noun; /* "machine", or "" */
	const char *name;
	struct mark mark;
};

/* "machine 'web': persistent_data.db"; "" for the file. Caller frees; NULL when out of memory. */
char *where_format(const struct where *where);

/*
 * Hold MAP, which stands at PLACE, against the table and report into DIAGS. KNOWN_MISSING names a
 * required key that may be missing here (NULL = none).
 */
void keys_check(const struct yamlnode *map, enum place place, enum key_layout layout,
	const struct where *where, const char *known_missing, struct diags *diags);

/* The same for one entry NAME of a map of PLACE, with the checks of its name. */
void keys_check_entry(const struct yamlnode *name, const struct yamlnode *value, enum place place,
	enum key_layout layout, const struct where *up, struct diags *diags);

#endif
