/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char unit_dir[PATH_MAX];

void unit_dir_setup(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(unit_dir, sizeof(unit_dir), "%s/anklume-unit-XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(unit_dir));
}

bool unit_is_valgrind(void)
{
	const char *job = getenv("ANKLUME_JOB");

	return job && strcmp(job, "valgrind") == 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void unit_dir_teardown(void)
{
	nftw(unit_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *unit_path(const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % 8];

	ck_assert_int_lt(snprintf(path, PATH_MAX, "%.2000s/%.2000s", unit_dir, name), PATH_MAX);
	return path;
}

void unit_write(const char *name, const char *text)
{
	const char *path = unit_path(name);
	char copy[PATH_MAX];
	FILE *f;

	snprintf(copy, sizeof(copy), "%s", path);
	mkdir(dirname(copy), 0755);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; p && *p; p += strspn(p, ",")) {
		size_t len = strcspn(p, ",");

		if (len == n && strncmp(p, word, n) == 0)
			return true;
		p += len;
	}
	return false;
}

Suite *unit_skip(const char *need, const char *reason)
{
	const char *required = getenv("REQUIRE");

	if (has_word(required, need) || has_word(required, "all")) {
		printf("Bail out! %s (REQUIRE=%s)\n", reason, need);
		exit(EXIT_FAILURE);
	}
	printf("1..0 # SKIP %s\n", reason);
	return NULL;
}

int main(void)
{
	Suite *suite = unit_suite();
	SRunner *runner;
	int failed;

	if (!suite)
		return EXIT_SUCCESS;

	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
