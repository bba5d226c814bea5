#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# devices: the spec's volumes as Incus and Ansible take them.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# S0-14 S0-15
test_incus_yaml_has_the_default_source() {
	new_cli_site incus
	run 0 devices pro-dev
	assert_eq "$out" 'devices:
  pd-db:
    type: disk
    source: /srv/anklume/data/pro/pro-dev/db
    path: /var/lib/postgresql
    shift: "true"
  pd-www:
    type: disk
    source: /srv/anklume/data/pro/pro-dev/www
    path: /var/www
    shift: "true"
    readonly: "true"'
	run 0 devices pro -f incus
	assert_match "$out" '^devices:'
	run 0 devices
	assert_match "$out" '# perso/home: instance home, project perso'
}

test_json_is_keyed_by_machine() {
	new_cli_site json
	assert_eq "$(json 'keys' devices)" '["lab/test","perso/home","pro/pro-dev"]'
	assert_eq "$(json '.["pro/pro-dev"] | [.project,.instance,.devices["pd-db"].shift]' devices)" \
		'["pro","pro-dev","true"]'
	assert_eq "$(json keys devices home test)" '["lab/test","perso/home"]'
}

test_commands_are_for_a_shell() {
	new_cli_site commands
	sed -i 's,/photos,"/my photos/$HOME",' infra.yml
	run 0 devices home -f commands
	assert_match "$out" "^incus config device add --project perso home pd-photos disk "
	incus() { printf '%s\n' "$@" >args; }
	eval "$out"
	assert_file_has args '^path=/my photos/\$HOME$'
}

# S0-23 S0-24: what is not ours is not attached by us; Ansible's file has it all.
test_only_persistent_devices_are_attached() {
	new_cli_site foreign
	sed -i 's,^\( *\)gpu0:,\1cache:\n\1  type: disk\n\1  pool: default\n\1  source: vol\n\1  path: /cache\n&,
		s,^domains:,shared_volumes:\n  docs:\n    source: /mnt/docs\n    path: /shared/docs\n    consumers:\n      pro-dev: ro\n&,' \
		infra.yml
	assert_eq "$(json '.["pro/pro-dev"].devices | keys' devices pro-dev)" \
		'["cache","gpu0","pd-db","pd-www","sv-docs"]'
	run 0 devices pro-dev -f host_vars
	assert_eq "$(sed -n 's/^  \([^ ]*\):$/\1/p' <<<"$out" | sort | xargs)" \
		'cache gpu0 pd-db pd-www sv-docs'
	run 0 devices pro-dev -f commands
	assert_eq "$(awk '{ print $8 }' <<<"$out" | xargs)" 'pd-db pd-www'
	run 0 devices pro-dev -f incus
	assert_eq "$(sed -n 's/^  \([^ ]*\):$/\1/p' <<<"$out" | xargs)" 'pd-db pd-www'
}

test_nesting_prefix_reaches_the_instance_only() {
	new_cli_site prefix
	echo 1 >"$ANKLUME_LEVEL_FILE"
	assert_eq "$(json '.["pro/pro-dev"] | [.project,.instance,.devices["pd-db"].source]' devices)" \
		'["001-pro","001-pro-dev","/srv/anklume/data/pro/pro-dev/db"]'
}

# S0-16
test_host_vars_are_merged_and_the_rest_is_kept() {
	new_cli_site hostvars
	mkdir host_vars
	printf -- '---\n# mine\nansible_host: 10.0.0.1   # keep\n\n\nlast: "x"' >host_vars/pro-dev.yml
	run 0 devices pro-dev --write host_vars --dry-run
	assert_eq "$out" "Would be written: host_vars/pro-dev.yml"
	assert_eq "$(wc -l <host_vars/pro-dev.yml)" 5
	run 0 devices pro-dev --write host_vars
	assert_eq "$out" "Written: host_vars/pro-dev.yml"
	assert_file_has host_vars/pro-dev.yml '^# mine$'
	assert_file_has host_vars/pro-dev.yml '^ansible_host: 10.0.0.1   # keep$'
	assert_eq "$(tail -n 1 host_vars/pro-dev.yml)" 'last: "x"'
	cp host_vars/pro-dev.yml before
	run 0 devices pro-dev --write host_vars
	assert_eq "$out" "Unchanged: host_vars/pro-dev.yml"
	cmp host_vars/pro-dev.yml before

	run 0 devices --write host_vars
	assert_eq "$(ls host_vars)" "home.yml
pro-dev.yml
test.yml"
	printf 'instance_devices: {}\n' >host_vars/home.yml
	run 5 devices home --write host_vars
	run 1 devices --write nowhere
	run 2 devices --write host_vars -f json
}

test_host_vars_are_written_through_a_symlink() {
	new_cli_site hostlink
	mkdir host_vars kept
	printf 'mine: 1\n' >kept/dev.yml
	chmod 640 kept/dev.yml
	chown 7:8 kept/dev.yml
	ln -s ../kept/dev.yml host_vars/pro-dev.yml
	run 0 devices pro-dev --write host_vars
	assert_eq "$(readlink host_vars/pro-dev.yml)" ../kept/dev.yml
	assert_eq "$(stat -c '%F %u:%g %a' kept/dev.yml)" 'regular file 7:8 640'
	assert_file_has kept/dev.yml 'pd-db:'
	assert_file_has kept/dev.yml '^mine: 1$'
	run 0 devices pro-dev --write host_vars
	assert_match "$out" '^Unchanged'

	ln -s ../kept/gone.yml host_vars/home.yml
	run 1 devices home --write host_vars
	assert_match "$err" "'host_vars/home.yml' is a symlink that leads nowhere"
	[ ! -e kept/gone.yml ] || fail "a file was made"
	assert_eq "$(readlink host_vars/home.yml)" ../kept/gone.yml
}

test_disabled_domain_is_left_out_unless_named() {
	new_cli_site disabled
	sed -i 's/^  perso:/&\n    enabled: false/' infra.yml
	assert_eq "$(json keys devices)" '["lab/test","pro/pro-dev"]'
	assert_eq "$(json keys devices perso)" '["perso/home"]'
}

test_first_operand_may_be_the_spec() {
	new_cli_site operand
	mv infra.yml other.yml
	run 0 devices other.yml pro-dev
	run 0 devices --spec other.yml pro-dev
	run 2 devices pro-dev
	run 4 devices other.yml nobody
	assert_match "$err" "no machine or domain 'nobody'"
	sed -i 's,path: /photos,path: photos,' other.yml
	run 3 devices other.yml
}

# S0-32
test_schema_is_json_schema() {
	new_cli_site schema
	run 0 schema
	jq -e '.["$schema"] and .properties' "$tmp/out" >/dev/null || fail "no schema"
	run 0 schema --markdown
	assert_match "$out" '\| *`?persistent_data'
}

run_tests
