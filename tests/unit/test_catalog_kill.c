/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog.h"

#include "sample.h"
#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

/*
 * A writer that is killed at any moment. The child flips flags and puts holds as fast as it can and
 * tells the parent through a pipe what was acknowledged; the parent kills it after a random number
 * of acknowledgements plus a random moment, and then the records must say what was told last, or
 * the one thing that was under way.
 */
#define KILLS 100
#define VOLUMES 4

static const char *const names[VOLUMES] = {"pro/dev/a", "pro/dev/b", "pro/web/c", "perso/pc/d"};

/* One acknowledged change. */
struct note {
	int volume;
	bool is_protected, is_readonly;
	uint64_t generation;
};

struct state {
	bool is_protected, is_readonly;
};

static void make_catalog(int64_t *ids)
{
	cleanup_catalog struct catalog *cat = NULL;
	cleanup_infra struct infra spec = {0};
	cleanup_infra struct infra got = {0};

	ck_assert_int_eq(catalog_open(unit_path("catalog.db"), CATALOG_WRITE, &cat, NULL), 0);
	for (int i = 0; i < VOLUMES; i++)
		sample_add(&spec, names[i]);
	sample_apply(cat, &spec, NULL);
	sample_load(cat, &got);
	for (int i = 0; i < VOLUMES; i++)
		ids[i] = sample_volume(&got, names[i])->id;
}

static int flip(struct catalog *cat, const int64_t *ids, struct state *states, struct note *note)
{
	struct state *s = &states[note->volume];
	int r;

	if (random() % 2) {
		s->is_protected = !s->is_protected;
		r = catalog_set_protected(cat, ids[note->volume],
			s->is_protected ? FLAG_ON : FLAG_OFF, &sample_actor, NULL, NULL, NULL);
	} else {
		s->is_readonly = !s->is_readonly;
		r = catalog_set_readonly(cat, ids[note->volume],
			s->is_readonly ? FLAG_ON : FLAG_OFF, &sample_actor, NULL, NULL, NULL);
	}
	note->is_protected = s->is_protected;
	note->is_readonly = s->is_readonly;
	return r < 0 ? r : catalog_get_generation(cat, &note->generation, NULL);
}

/* The child: until killed. Every fourth round opens the catalogue anew, so that kills hit that. */
static void write_for_ever(int fd, const int64_t *ids, struct state *states)
{
	for (;;) {
		cleanup_catalog struct catalog *cat = NULL;

		if (catalog_open(unit_path("catalog.db"), CATALOG_WRITE, &cat, NULL) < 0)
			_exit(2);
		for (int i = 0; i < 4; i++) {
			struct note note = {.volume = random() % VOLUMES};

			if (flip(cat, ids, states, &note) < 0)
				_exit(3);
			if (write(fd, &note, sizeof(note)) != sizeof(note))
				_exit(4);
		}
	}
}

static void take_note(int fd, struct state *states, uint64_t *generation)
{
	struct note note;

	ck_assert_int_eq(read(fd, &note, sizeof(note)), sizeof(note));
	states[note.volume] = (struct state){note.is_protected, note.is_readonly};
	ck_assert_uint_eq(note.generation, *generation + 1);
	*generation = note.generation;
}

static bool has_note(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

/* Start a writer, kill it; STATES and GENERATION are then what it acknowledged. */
static void run_and_kill(const int64_t *ids, struct state *states, uint64_t *generation)
{
	int n = random() % 6;
	int pipe_fds[2];
	int status;
	pid_t pid;

	ck_assert_int_eq(pipe(pipe_fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(pipe_fds[0]);
		srandom(random() ^ (unsigned int)*generation);
		write_for_ever(pipe_fds[1], ids, states);
	}
	close(pipe_fds[1]);

	for (int i = 0; i < n; i++)
		take_note(pipe_fds[0], states, generation);
	/* Not to wait for anything: to hit another place of the next change each time. */
	usleep(random() % 3000);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status), "the writer gave up: %x", status);
	while (has_note(pipe_fds[0]))
		take_note(pipe_fds[0], states, generation);
	close(pipe_fds[0]);
}

/* The flags in force are STATES, or differ by the one change that was under way. */
static void check_states(struct state *states, uint64_t *generation)
{
	cleanup_catalog struct catalog *cat = NULL;
	cleanup_infra struct infra got = {0};
	cleanup_error struct error err = {0};
	uint64_t now;
	int n_different = 0;

	ck_assert_ok(catalog_open(unit_path("catalog.db"), CATALOG_READ, &cat, &err), &err);
	ck_assert_ok(catalog_check_integrity(cat, &err), &err);
	ck_assert_ok(catalog_load(cat, &got, &now, &err), &err);

	for (int i = 0; i < VOLUMES; i++) {
		unsigned int flags = sample_volume(&got, names[i])->flags;
		struct state is = {flags & VOLUME_PROTECTED, flags & VOLUME_READONLY};

		n_different += (is.is_protected != states[i].is_protected) +
			       (is.is_readonly != states[i].is_readonly);
		states[i] = is;
	}
	ck_assert_msg(now == *generation + n_different, "generation %d, acknowledged %d, %d flags",
		(int)now, (int)*generation, n_different);
	ck_assert_int_le(n_different, 1);
	*generation = now;
}

/* DC-2 */
START_TEST(killed_writer_leaves_what_it_acknowledged)
{
	unsigned int seed = (unsigned int)getpid();
	struct state states[VOLUMES];
	uint64_t generation = 1;
	int64_t ids[VOLUMES];

	printf("# seed %u\n", seed);
	srandom(seed);
	make_catalog(ids);
	for (int i = 0; i < VOLUMES; i++)
		states[i] = (struct state){.is_protected = true};

	for (int i = 0; i < KILLS; i++) {
		run_and_kill(ids, states, &generation);
		check_states(states, &generation);
	}
	ck_assert_uint_gt(generation, KILLS);
}
END_TEST

/* Several writers at once: each counts its own changes, all of them are there in the end. */
static int write_some(int i, int64_t id, int n)
{
	cleanup_catalog struct catalog *cat = NULL;
	int r = catalog_open(unit_path("catalog.db"), CATALOG_WRITE, &cat, NULL);

	for (int j = 1; r == 0 && j <= n; j++)
		r = catalog_set_owner_ids(cat, id, 1000 + i, j, &sample_actor, NULL, NULL, NULL);
	return r;
}

/* DC-2 */
START_TEST(writers_take_turns)
{
	enum { CHANGES = 25 };
	cleanup_catalog struct catalog *cat = NULL;
	cleanup_audit_list struct audit_list audit = {0};
	cleanup_infra struct infra got = {0};
	uint64_t generation;
	int64_t ids[VOLUMES];
	pid_t pids[VOLUMES];

	make_catalog(ids);
	for (int i = 0; i < VOLUMES; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0)
			_exit(write_some(i, ids[i], CHANGES) == 0 ? 0 : 1);
	}
	for (int i = 0; i < VOLUMES; i++) {
		int status;

		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}

	ck_assert_int_eq(catalog_open(unit_path("catalog.db"), CATALOG_READ, &cat, NULL), 0);
	ck_assert_int_eq(catalog_load(cat, &got, &generation, NULL), 0);
	ck_assert_uint_eq(generation, 1 + VOLUMES * CHANGES);
	for (int i = 0; i < VOLUMES; i++) {
		ck_assert_uint_eq(sample_volume(&got, names[i])->uid, 1000 + i);
		ck_assert_uint_eq(sample_volume(&got, names[i])->gid, CHANGES);
	}
	ck_assert_int_eq(catalog_list_audit(cat, NULL, 0, &audit, NULL), 0);
	ck_assert_uint_eq(audit.n_items, 2 + 3 + VOLUMES + VOLUMES * CHANGES);
	for (size_t i = 1; i < audit.n_items; i++)
		ck_assert_uint_ge(audit.items[i].generation, audit.items[i - 1].generation);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("catalog_kill");
	TCase *tc = tcase_create("kill");

	tcase_set_timeout(tc, 110);
	tcase_add_checked_fixture(tc, unit_dir_setup, unit_dir_teardown);
	tcase_add_test(tc, killed_writer_leaves_what_it_acknowledged);
	tcase_add_test(tc, writers_take_turns);
	suite_add_tcase(s, tc);
	return s;
}
