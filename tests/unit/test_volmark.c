/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "volmark.h"

#include "path.h"
#include "sample.h"
#include "str.h"
#include "unit.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

static struct infra spec;
static struct volume *volume;

static void set_text(char **field, const char *text)
{
	free(*field);
	*field = text ? strdup(text) : NULL;
}

static void add_hold(struct volume *v, const char *tag, const char *reason, int64_t until)
{
	struct hold *h = volume_add_hold(v, tag);

	ck_assert_ptr_nonnull(h);
	h->reason = strdup(reason);
	h->actor = strdup("alice (root)");
	h->since = 1767225600;
	h->until = until;
}

/* A volume with something in every field. */
static void setup(void)
{
	struct machine *m;

	infra_init(&spec);
	sample_add(&spec, "pro/pro-dev/db");
	spec.domains[0].id = 3;
	spec.domains[0].is_enabled = false;
	m = sample_machine(&spec, "pro/pro-dev");
	m->id = 5;
	set_text(&m->project, "001-pro");
	m->has_owner_override = true;
	m->is_vm = true;
	m->is_ephemeral = true;
	m->orphan_since = 1767225601;
	volume = &m->volumes[0];
	volume->id = 8;
	set_text(&volume->path, "/var/lib/\"post\\gres\"");
	volume->class = strdup("database");
	volume->description = strdup("Orders of the caf\xc3\xa9\nand more");
	volume->size_bytes = INT64_MAX;
	volume->uid = 4294967294;
	volume->has_ids_override = true;
	volume->mode = 07777;
	volume->spec_flags = VOLUME_READONLY;
	volume->readonly_override = FLAG_OFF;
	volume->protected_override = FLAG_ON;
	volume->orphan_since = 1767225602;
	volume->generation = 42;
	add_hold(volume, "tax", "it's \"theirs\"", 1798761600);
	add_hold(volume, "audit", "why \xe2\x82\xac", 0);
}

static void teardown(void)
{
	infra_finish(&spec);
}

static char *format(size_t *ret_len)
{
	cleanup_error struct error err = {0};
	char *text;

	ck_assert_ok(volmark_format(&spec.domains[0], &spec.domains[0].machines[0], volume, &text,
			     ret_len, &err),
		&err);
	return text;
}

static char *describe(struct infra *infra)
{
	char *text;

	/* Effective flags are the loader's business. */
	infra->domains[0].machines[0].volumes[0].flags = 0;
	text = sample_describe(infra);
	ck_assert_ptr_nonnull(text);
	return text;
}

/* DC-2 */
START_TEST(mark_gives_back_every_field)
{
	cleanup_infra struct infra got = {0};
	cleanup_error struct error err = {0};
	cleanup_free char *mark = NULL;
	cleanup_free char *before = NULL;
	cleanup_free char *after = NULL;
	size_t len;

	mark = format(&len);
	ck_assert_ok(volmark_parse(mark, len, &got, &err), &err);
	before = describe(&spec);
	after = describe(&got);
	ck_assert_str_eq(after, before);
	ck_assert_int_eq(got.domains[0].machines[0].orphan_since, 1767225601);
}
END_TEST

/* The format is a promise to files that exist: this very text must stay readable. */
START_TEST(mark_of_version_1_reads_as_ever)
{
	static const char mark[] =
		"anklume-volume 1 909a938f {\"generation\":7,"
		"\"domain\":{\"id\":1,\"name\":\"pro\",\"enabled\":true,\"orphan_since\":0},"
		"\"machine\":{\"id\":2,\"name\":\"pro-dev\",\"project\":\"pro\",\"instance\":"
		"\"pro-dev\",\"owner_override\":false,\"vm\":false,\"ephemeral\":false,"
		"\"orphan_since\":0},"
		"\"volume\":{\"id\":3,\"name\":\"db\",\"path\":\"/db\",\"size\":0,\"uid\":999,"
		"\"gid\":999,\"ids_override\":false,\"mode\":488,\"readonly\":false,\"protected\":"
		"true,\"protected_override\":\"off\",\"orphan_since\":0},"
		"\"holds\":[{\"tag\":\"t\",\"reason\":\"r\",\"actor\":\"a\",\"since\":1,\"until\":0}]}";
	cleanup_infra struct infra got = {0};
	cleanup_error struct error err = {0};
	const struct volume *v;

	ck_assert_ok(volmark_parse(mark, sizeof(mark) - 1, &got, &err), &err);
	v = sample_volume(&got, "pro/pro-dev/db");
	ck_assert_uint_eq(v->mode, 0750);
	ck_assert_int_eq(v->protected_override, FLAG_OFF);
	ck_assert_uint_eq(v->spec_flags, VOLUME_PROTECTED);
	ck_assert_uint_eq(v->generation, 7);
	ck_assert_uint_eq(v->n_holds, 1);
	ck_assert_ptr_null(v->class);
}
END_TEST

static void fill_text(char **field, size_t len, const char *start, char c)
{
	free(*field);
	*field = malloc(len + 1);
	ck_assert_ptr_nonnull(*field);
	memset(*field, c, len);
	memcpy(*field, start, strlen(start));
	(*field)[len] = '\0';
}

/* The largest record that the catalogue lets pass. */
static void fill_record(struct catalog *cat)
{
	cleanup_infra struct infra got = {0};
	cleanup_infra struct infra largest = {0};
	cleanup_free char *project = NULL;
	cleanup_free char *reason = NULL;
	struct volume *v;
	int r = 0;

	sample_add(&largest, "d/m/v");
	fill_text(&largest.domains[0].name, NAME_LENGTH_MAX, "d", 'd');
	fill_text(&largest.domains[0].machines[0].name, NAME_LENGTH_MAX, "m", 'm');
	v = &largest.domains[0].machines[0].volumes[0];
	fill_text(&v->name, NAME_LENGTH_MAX, "v", 'v');
	fill_text(&v->path, VOLUME_PATH_MAX, "/", 'p');
	fill_text(&v->class, CATALOG_CLASS_MAX, "c", 'c');
	fill_text(&v->description, 10000, "", '"');
	v->size_bytes = INT64_MAX;
	v->mode = 07777;
	sample_apply(cat, &largest, NULL);

	fill_text(&project, CATALOG_OWNER_MAX, "", 'p');
	ck_assert_int_eq(catalog_set_owner_instance(
				 cat, 1, project, project, &sample_actor, NULL, NULL, NULL),
		0);
	ck_assert_int_eq(catalog_set_owner_ids(
				 cat, 1, 4294967294, 4294967294, &sample_actor, NULL, NULL, NULL),
		0);
	ck_assert_int_eq(catalog_set_readonly(cat, 1, FLAG_ON, &sample_actor, NULL, NULL, NULL), 0);
	ck_assert_int_eq(
		catalog_set_protected(cat, 1, FLAG_OFF, &sample_actor, NULL, NULL, NULL), 0);

	fill_text(&reason, CATALOG_REASON_MAX, "", 'r');
	for (int len = CATALOG_REASON_MAX; len > 0; len -= r < 0) {
		char tag[32];
		static int n;

		reason[len] = '\0';
		snprintf(tag, sizeof(tag), "t%d", n++);
		r = catalog_hold(cat, 1, tag, reason, 9999999999, &sample_actor, NULL, NULL);
	}
	ck_assert_int_eq(r, -E2BIG);
	sample_load(cat, &got);
	infra_finish(&spec);
	spec = got;
	infra_init(&got);
	volume = &spec.domains[0].machines[0].volumes[0];
}

START_TEST(largest_record_fits_into_a_mark)
{
	cleanup_catalog struct catalog *cat = NULL;
	cleanup_infra struct infra got = {0};
	cleanup_free char *mark = NULL;
	size_t len;

	ck_assert_int_eq(catalog_open_empty(&cat, NULL), 0);
	fill_record(cat);
	/* As large as ids and dates get in a thousand years. */
	spec.domains[0].id = spec.domains[0].machines[0].id = volume->id = INT64_C(1) << 40;
	spec.domains[0].orphan_since = volume->orphan_since = 33000000000;
	spec.domains[0].machines[0].orphan_since = 33000000000;
	volume->generation = INT64_C(1) << 53;

	mark = format(&len);
	printf("# the largest mark has %zu of %d bytes\n", len, VOLMARK_SIZE_MAX);
	ck_assert_uint_le(len, VOLMARK_SIZE_MAX);
	ck_assert_int_eq(volmark_parse(mark, len, &got, NULL), 0);
	ck_assert_uint_ge(volume->n_holds, 5);
	ck_assert_uint_eq(got.domains[0].machines[0].volumes[0].n_holds, volume->n_holds);
}
END_TEST

START_TEST(mark_that_would_be_too_long_is_e2big)
{
	cleanup_error struct error err = {0};
	char *text;
	size_t len;

	for (int i = 0; i < 40; i++) {
		char tag[16];

		snprintf(tag, sizeof(tag), "t%d", i);
		add_hold(volume, tag, "a reason that nobody checked for its length", 0);
	}
	ck_assert_int_eq(volmark_format(&spec.domains[0], &spec.domains[0].machines[0], volume,
				 &text, &len, &err),
		-E2BIG);
}
END_TEST

/* A mark of our version around BODY, checksum right. */
static char *wrap(const char *body)
{
	char *mark;

	ck_assert_int_gt(asprintf(&mark, "anklume-volume 1 %08" PRIx32 " %s",
				 volmark_checksum(body, strlen(body)), body),
		0);
	return mark;
}

#define DOMAIN "\"domain\":{\"id\":1,\"name\":\"d\",\"enabled\":true,\"orphan_since\":0}"
#define MACHINE                                                                      \
	"\"machine\":{\"id\":1,\"name\":\"m\",\"project\":\"p\",\"instance\":\"i\"," \
	"\"owner_override\":false,\"vm\":false,\"ephemeral\":false,\"orphan_since\":0}"
#define VOLUME_REST                                                           \
	"\"size\":0,\"uid\":0,\"gid\":0,\"ids_override\":false,\"mode\":488," \
	"\"readonly\":false,\"protected\":true,\"orphan_since\":0"
#define VOLUME "\"volume\":{\"id\":1,\"name\":\"v\",\"path\":\"/v\"," VOLUME_REST "}"
#define HEAD "{\"generation\":1,"

/* Each has the right checksum and is wrong in one thing, but the first. */
static const struct {
	const char *body;
	int r;
} bodies[] = {
	{HEAD DOMAIN "," MACHINE "," VOLUME ",\"holds\":[],\"later\":{}}", 0},
	{HEAD DOMAIN "," MACHINE "," VOLUME "}", -EBADMSG},
	{HEAD DOMAIN "," MACHINE "," VOLUME ",\"holds\":{}}", -EBADMSG},
	{HEAD DOMAIN "," MACHINE "," VOLUME ",\"holds\":[1]}", -EBADMSG},
	{HEAD DOMAIN
		"," MACHINE "," VOLUME
		",\"holds\":[{\"tag\":\"T\",\"reason\":\"\",\"actor\":\"\",\"since\":0,\"until\":0}]}",
		-EBADMSG},
	{HEAD DOMAIN
		"," MACHINE "," VOLUME
		",\"holds\":[{\"tag\":\"t\",\"reason\":\"\",\"actor\":\"\",\"since\":0,\"until\":-1}]}",
		-EBADMSG},
	{HEAD DOMAIN
		"," MACHINE "," VOLUME
		",\"holds\":[{\"tag\":\"t\",\"reason\":\"\",\"actor\":\"\",\"since\":0,\"until\":0},{\"tag\":\"t\",\"reason\":\"\",\"actor\":\"\",\"since\":0,\"until\":0}]}",
		-EBADMSG},
	{HEAD MACHINE "," VOLUME ",\"holds\":[]}", -EBADMSG},
	{HEAD DOMAIN "," VOLUME ",\"holds\":[]}", -EBADMSG},
	{HEAD DOMAIN "," MACHINE ",\"holds\":[]}", -EBADMSG},
	{"{\"generation\":-1," DOMAIN "," MACHINE "," VOLUME ",\"holds\":[]}", -EBADMSG},
	{"{\"generation\":9223372036854775807," DOMAIN "," MACHINE "," VOLUME ",\"holds\":[]}",
		-EBADMSG},
	{"{\"generation\":1e99," DOMAIN "," MACHINE "," VOLUME ",\"holds\":[]}", -EBADMSG},
	{"{\"generation\":99999999999999999999," DOMAIN "," MACHINE "," VOLUME ",\"holds\":[]}",
		-EBADMSG},
	{HEAD DOMAIN "," MACHINE
		     ",\"volume\":{\"id\":1,\"name\":\"../v\",\"path\":\"/v\"," VOLUME_REST
		     "},\"holds\":[]}",
		-EBADMSG},
	{HEAD DOMAIN "," MACHINE
		     ",\"volume\":{\"id\":-1,\"name\":\"v\",\"path\":\"/v\"," VOLUME_REST
		     "},\"holds\":[]}",
		-EBADMSG},
	{HEAD DOMAIN "," MACHINE
		     ",\"volume\":{\"id\":1,\"name\":\"v\",\"path\":\"/../v\"," VOLUME_REST
		     "},\"holds\":[]}",
		-EBADMSG},
	{HEAD DOMAIN "," MACHINE ",\"volume\":{\"id\":1,\"name\":\"v\",\"path\":null," VOLUME_REST
		     "},\"holds\":[]}",
		-EBADMSG},
	{HEAD DOMAIN
		"," MACHINE
		",\"volume\":{\"id\":1,\"name\":\"v\",\"path\":\"/v\",\"readonly_override\":\"maybe\"," VOLUME_REST
		"},\"holds\":[]}",
		-EBADMSG},
	{HEAD DOMAIN
		"," MACHINE
		",\"volume\":{\"id\":1,\"name\":\"v\",\"path\":\"/v\",\"size\":0,\"uid\":4294967295,\"gid\":0,\"ids_override\":false,\"mode\":0,\"readonly\":false,\"protected\":false,\"orphan_since\":0},\"holds\":[]}",
		-EBADMSG},
	{HEAD DOMAIN
		"," MACHINE
		",\"volume\":{\"id\":1,\"name\":\"v\",\"path\":\"/v\",\"size\":0,\"uid\":0,\"gid\":0,\"ids_override\":false,\"mode\":4096,\"readonly\":false,\"protected\":false,\"orphan_since\":0},\"holds\":[]}",
		-EBADMSG},
	{HEAD DOMAIN
		"," MACHINE
		",\"volume\":{\"id\":1,\"name\":\"v\",\"path\":\"/v\",\"size\":-5,\"uid\":0,\"gid\":0,\"ids_override\":false,\"mode\":0,\"readonly\":false,\"protected\":false,\"orphan_since\":0},\"holds\":[]}",
		-EBADMSG},
	{HEAD DOMAIN "," MACHINE "," VOLUME "," VOLUME ",\"holds\":[]}", -EBADMSG},
	{"[]", -EBADMSG},
	{"null", -EBADMSG},
	{"{}", -EBADMSG},
	{"", -EBADMSG},
	{"{", -EBADMSG},
};

START_TEST(body_that_makes_no_sense_is_ebadmsg)
{
	cleanup_infra struct infra got = {0};
	cleanup_free char *mark = wrap(bodies[_i].body);

	ck_assert_int_eq(volmark_parse(mark, strlen(mark), &got, NULL), bodies[_i].r);
	ck_assert_uint_eq(got.n_domains, bodies[_i].r == 0);
}
END_TEST

static const struct {
	const char *mark;
	int r;
	const char *words;
} heads[] = {
	{"", -EBADMSG, "not a mark of ours"},
	{"anklume-volume", -EBADMSG, "not a mark of ours"},
	{"anklume-volume ", -EBADMSG, "not a mark of ours"},
	{"anklume-volume 0 ", -EBADMSG, "not a mark of ours"},
	{"anklume-volume x", -EBADMSG, "not a mark of ours"},
	{"anklume-volume 1", -EBADMSG, "cut off"},
	{"anklume-volume 1 00000000 ", -EBADMSG, "cut off"},
	{"anklume-volume 1 00000000 {}", -EBADMSG, "checksum"},
	{"anklume-volume 01 00000000 {}", -EBADMSG, "checksum"},
	{"anklume-volume 2 anything at all", -ENOTSUP, "of version 2"},
	{"anklume-volume 99999999999999999999 {", -ENOTSUP, "newer"},
	{"something else", -EBADMSG, "not a mark of ours"},
};

START_TEST(head_that_is_not_ours_is_refused)
{
	cleanup_infra struct infra got = {0};
	cleanup_error struct error err = {0};

	ck_assert_int_eq(
		volmark_parse(heads[_i].mark, strlen(heads[_i].mark), &got, &err), heads[_i].r);
	ck_assert_msg(
		strstr(error_text(&err, 0), heads[_i].words) != NULL, "'%s'", error_text(&err, 0));
}
END_TEST

/* DC-2 */
START_TEST(flipped_bit_anywhere_is_noticed)
{
	cleanup_free char *mark = NULL;
	size_t len;

	mark = format(&len);
	for (size_t bit = 0; bit < len * 8; bit++) {
		cleanup_infra struct infra got = {0};
		int r;

		mark[bit / 8] ^= 1 << bit % 8;
		r = volmark_parse(mark, len, &got, NULL);
		/* The version's digit may become a larger one. */
		ck_assert_msg(r == -EBADMSG || r == -ENOTSUP, "bit %zu: %d", bit, r);
		mark[bit / 8] ^= 1 << bit % 8;
	}
	for (size_t n = 0; n < len; n++) {
		cleanup_infra struct infra got = {0};

		ck_assert_int_eq(volmark_parse(mark, n, &got, NULL), -EBADMSG);
	}
}
END_TEST

/* One random edit of the LEN bytes at TEXT, which has room for SIZE. */
static size_t mutate(char *text, size_t len, size_t size)
{
	static const char *const pieces[] = {"\"", "{", "}", "[", "]", ",", ":", "-", "0", "1e9",
		"null", "true", "\\u0000", "\xff", "99999999999", "\"id\":", "\"name\":\"x\""};
	const char *piece = pieces[random() % ARRAY_SIZE(pieces)];
	size_t n = strlen(piece);
	size_t at = random() % len;

	switch (random() % 4) {
	case 0:
		text[at] ^= 1 << random() % 8;
		return len;
	case 1:
		return at > 0 ? at : len;
	case 2:
		memmove(text + at, text + at + 1, len - at - 1);
		return len > 1 ? len - 1 : len;
	default:
		if (len + n > size)
			return len;
		memmove(text + at + n, text + at, len - at);
		memcpy(text + at, piece, n);
		return len + n;
	}
}

/* With the checksum put right, so that the parser behind it gets to see what is wrong. */
START_TEST(mutated_marks_never_crash)
{
	unsigned int seed = (unsigned int)time(NULL);
	cleanup_free char *mark = NULL;
	int n_accepted = 0;
	size_t len;

	printf("# seed %u\n", seed);
	srandom(seed);
	mark = format(&len);
	for (int i = 0; i < 30000; i++) {
		cleanup_infra struct infra got = {0};
		char text[VOLMARK_SIZE_MAX + 1];
		size_t n = len;
		int r;

		memcpy(text, mark, len);
		for (long edits = random() % 4; edits >= 0; edits--)
			n = VOLMARK_HEAD_SIZE + mutate(text + VOLMARK_HEAD_SIZE,
							n - VOLMARK_HEAD_SIZE,
							VOLMARK_SIZE_MAX - VOLMARK_HEAD_SIZE);
		snprintf(text + VOLMARK_HEAD_SIZE - 9, 9, "%08" PRIx32,
			volmark_checksum(text + VOLMARK_HEAD_SIZE, n - VOLMARK_HEAD_SIZE));
		text[VOLMARK_HEAD_SIZE - 1] = ' ';
		r = volmark_parse(text, n, &got, NULL);
		ck_assert_msg(r == 0 || r == -EBADMSG, "%d from %.*s", r, (int)n, text);
		n_accepted += r == 0;
	}
	printf("# %d of 30000 still made sense\n", n_accepted);
	ck_assert_int_lt(n_accepted, 30000);
}
END_TEST

START_TEST(differences_are_named_by_their_keys)
{
	cleanup_free char *a = NULL;
	cleanup_free char *b = NULL;
	cleanup_free char *none = NULL;
	cleanup_free char *some = NULL;
	size_t a_len;
	size_t b_len;

	a = format(&a_len);
	volume->protected_override = FLAG_INHERIT;
	volume->holds[0].until++;
	spec.domains[0].is_enabled = true;
	b = format(&b_len);
	none = volmark_list_differences(a, a_len, a, a_len);
	ck_assert_str_eq(none, "");
	some = volmark_list_differences(a, a_len, b, b_len);
	ck_assert_str_eq(some, "domain.enabled, volume.protected_override, holds");
}
END_TEST

START_TEST(checksum_is_the_usual_crc_32)
{
	ck_assert_uint_eq(volmark_checksum("123456789", 9), 0xcbf43926);
	ck_assert_uint_eq(volmark_checksum("", 0), 0);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("volmark");
	TCase *tc = tcase_create("volmark");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, mark_gives_back_every_field);
	tcase_add_test(tc, mark_of_version_1_reads_as_ever);
	tcase_add_test(tc, largest_record_fits_into_a_mark);
	tcase_add_test(tc, mark_that_would_be_too_long_is_e2big);
	tcase_add_loop_test(tc, body_that_makes_no_sense_is_ebadmsg, 0, ARRAY_SIZE(bodies));
	tcase_add_loop_test(tc, head_that_is_not_ours_is_refused, 0, ARRAY_SIZE(heads));
	tcase_add_test(tc, flipped_bit_anywhere_is_noticed);
	tcase_add_test(tc, mutated_marks_never_crash);
	tcase_add_test(tc, differences_are_named_by_their_keys);
	tcase_add_test(tc, checksum_is_the_usual_crc_32);
	suite_add_tcase(s, tc);
	return s;
}
