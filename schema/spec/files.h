/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_FILES_H
#define ANKLUME_FILES_H

/* The files of one spec: which layout a path is, which files belong to it, parsed. */

#include "keys.h"
#include "spec.h"

struct files {
	enum spec_layout layout;
	enum key_layout keys;
	char *main_path; /* infra.yml, base.yml or anklume.yml */
	char *dir; /* the directory of a layout that has one; NULL */
	struct yamldoc *main; /* NULL: did not parse */
	struct yamldoc *policies; /* NULL: there is none, or it did not parse */
	struct yamldoc **domain_docs;
	size_t n_domain_docs;
	struct yamlpair *domains; /* name and body, later files win; names of the file or key */
	size_t n_domains, cap_domains;
	bool has_domains_dir;
};

/*
 * Find, read and parse what PATH means. -EINVAL: some file did not parse, what did is in RET.
 * Other errno: nothing usable, ERR says why. The caller finishes RET in any case.
 */
int files_load(const char *path, struct files *ret, struct diags *diags, struct error *err);
void files_finish(struct files *files);

#endif
