/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes as infra.yml and as a domain's file of the other layout: no crash, no hang, nothing
 * that a terminal would obey in the messages, and from what is accepted only sound names, paths
 * and texts. Run by hand, see CONTRIBUTING; its finds are in tests/fixtures/spec.
 */

#include "emit.h"
#include "fdio.h"
#include "path.h"
#include "spec.h"
#include "str.h"
#include "yamldoc.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/tmp/anklume-fuzz-XXXXXX";

#define need(condition)                   \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

static void cleanup(void)
{
	unlink("infra.yml");
	unlink("domains/pro.yml");
	unlink("anklume.yml");
	rmdir("domains");
	rmdir(dir);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	need(mkdtemp(dir) && chdir(dir) == 0 && mkdir("domains", 0755) == 0);
	need(write_file_atomic(AT_FDCWD, "anklume.yml", "", 0, 0644) == 0);
	atexit(cleanup);
	return 0;
}

/* fsync makes the atomic writer too slow for this. */
static void write_input(const char *name, const uint8_t *data, size_t size)
{
	cleanup_fd int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	need(fd >= 0 && write(fd, data, size) == (ssize_t)size);
}

static void check_report(const struct diags *diags)
{
	cleanup_free char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	need(out);
	diags_print(diags, out);
	fclose(out);
	need(strlen(text) == len);
	for (size_t i = 0; i < len; i++)
		need(text[i] == '\n' || ((unsigned char)text[i] >= 0x20 && text[i] != 0x7f));
}

static void check_yaml(const char *text)
{
	cleanup_diags struct diags diags;
	cleanup_yamldoc struct yamldoc *doc = NULL;

	diags_init(&diags);
	need(yamldoc_parse("emitted", text, strlen(text), &diags, &doc) == 0 &&
		diags.n_errors == 0);
}

static void check_devices(
	const struct spec *spec, const struct domain *domain, const struct machine *machine)
{
	cleanup_device_list struct device_list list;
	char *texts[5];

	device_list_init(&list);
	need(spec_list_devices(spec, domain->name, machine->name, &list) == 0);
	texts[0] = emit_incus_yaml(&list);
	texts[1] = emit_merge_host_vars(NULL, &list);
	texts[2] = emit_merge_host_vars(texts[1], &list);
	texts[3] = emit_commands(&list, machine->project, machine->instance);
	texts[4] = emit_json(&list);
	check_yaml(texts[0]);
	check_yaml(texts[1]);
	need(strcmp(texts[1], texts[2]) == 0 && texts[3] && texts[4]);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
}

static void check_machine(const struct machine *machine)
{
	need(name_is_valid(machine->name) && name_is_valid(machine->instance));
	for (size_t i = 0; i < machine->n_volumes; i++) {
		const struct volume *v = &machine->volumes[i];

		need(name_is_valid(v->name) && path_is_clean_absolute(v->path));
		need(strcmp(v->path, "/") != 0 && !path_is_inside(v->path, "/proc"));
		need(v->mode <= 07777);
		for (size_t j = 0; j < i; j++) {
			need(strcmp(machine->volumes[j].path, v->path) != 0);
			need(strcmp(machine->volumes[j].name, v->name) != 0);
		}
	}
}

static void check_spec(const struct spec *spec)
{
	const struct infra *infra = spec_get_infra(spec);

	need(path_is_clean_absolute(spec_get_data_base(spec)));
	for (size_t i = 0; i < infra->n_domains; i++) {
		const struct domain *domain = &infra->domains[i];

		need(name_is_valid(domain->name));
		for (size_t j = 0; j < domain->n_machines; j++) {
			check_machine(&domain->machines[j]);
			check_devices(spec, domain, &domain->machines[j]);
		}
	}
}

static void load(const char *path)
{
	cleanup_spec struct spec *spec = NULL;
	cleanup_diags struct diags diags;
	cleanup_error struct error err = {0};
	int r;

	diags_init(&diags);
	r = spec_load(path, "level", &diags, &spec, &err);
	need(r == 0 || r == -EINVAL);
	need((r == 0) == (diags.n_errors == 0));
	check_report(&diags);
	if (r == 0)
		check_spec(spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	write_input("infra.yml", data, size);
	load("infra.yml");
	write_input("domains/pro.yml", data, size);
	load("anklume.yml");
	return 0;
}
