#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# flush and remove against an Incus that misbehaves: what cannot be told is spared, what failed is
# not called deleted.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need python3 curl sqlite3

# instance PROJECT NAME [CONFIG [EXPANDED]]: one member of the state.
instance() {
	local config=${3:-'{}'}

	jq -n --arg project "$1" --arg name "$2" --argjson config "$config" \
		--argjson expanded "${4:-$config}" \
		'{("/1.0/instances/\($name)?project=\($project)"): {$name, $project, type: "container",
		status: "Running", status_code: 103, ephemeral: false, $config, devices: {},
		expanded_config: $expanded, expanded_devices: {}}}'
}

project() { jq -n --arg name "$1" '{("/1.0/projects/\($name)"): {$name, config: {}}}'; }

profile() {
	jq -n --arg project "$1" --arg name "$2" \
		'{("/1.0/profiles/\($name)?project=\($project)"): {$name, $project, config: {}, devices: {},
		used_by: []}}'
}

network() {
	jq -n --arg name "$1" '{("/1.0/networks/\($name)?project=default"): {$name, project: "default",
		managed: true, type: "bridge", config: {}, used_by: []}}'
}

protected='{"security.protection.delete": "true"}'

# new_server NAME MEMBER...: a site, and a fake Incus that holds what the members say.
new_server() {
	new_cli_site "$1"
	unset INCUS_DIR
	shift
	printf '%s\n' "$@" | jq -s add >state.json
	start_fake_incus "$PWD/state.json"
}

# faults JSON
faults() { printf '%s\n' "$1" >"$fake_faults"; }

deletes() { sed -n 's|^DELETE /1.0/||p' "$fake_log"; }

# verb CODE VERB ARG...: stdin is no terminal.
verb() { run "$@" </dev/null; }

last_line() { tail -n 1 <<<"$out"; }

# S0-2 S0-3 FP-001 FP-002
test_only_the_unprotected_one_of_three_is_deleted() {
	new_server three "$(project default)" "$(project pro)" "$(instance pro a "$protected")" \
		"$(instance pro b '{"security.protection.delete": "false"}')" \
		"$(instance pro c '{}' "$protected")" "$(profile pro x)" "$(network net-pro)"
	verb 0 flush --yes
	assert_eq "$(deletes)" 'instances/b?project=pro'
	assert_eq "$(grep -c 'PROTECTED (skipped)' <<<"$out")" 2
	assert_eq "$(last_line)" 'deleted=1 skipped=3 failed=0'
}

# S0-2: fail closed
test_an_instance_whose_protection_is_not_told_is_protected() {
	new_server untold "$(project default)" "$(project pro)" "$(instance pro a)"
	faults '[{"path": "/instances", "do": "drop", "key": "expanded_config"}]'
	verb 0 flush --yes
	assert_match "$out" 'PROTECTED \(skipped\): instance pro/a \(its protection cannot be read\)'
	assert_eq "$(deletes)" ''
}

test_nothing_is_deleted_when_a_list_fails() {
	local list

	for list in instances projects profiles images networks storage-pools; do
		new_server "list-$list" "$(project default)" "$(project pro)" "$(instance pro a)"
		faults "[{\"path\": \"/$list\", \"do\": \"status\", \"status\": 500, \"error\": \"broken\"}]"
		verb 1 flush --force
		assert_match "$err" 'broken'
		assert_eq "$(deletes)" ''
	done
}

test_what_was_protected_meanwhile_is_spared_and_not_even_stopped() {
	new_server meanwhile "$(project default)" "$(project pro)" "$(instance pro a)"
	faults "$(jq -n --argjson new "$(instance pro a "$protected")" \
		'[{method: "GET", path: "^/1.0/instances/a[?]", do: "add",
		reference: ($new | keys[0]), object: ($new | .[])}]')"
	verb 0 flush --yes
	assert_match "$out" 'PROTECTED \(skipped\): instance pro/a \(since the plan was made\)'
	assert_eq "$(deletes)" ''
	! grep -q state "$fake_log" || fail "it was stopped"
}

# S0-5: the project is not deleted while an instance is in it, whenever that came.
test_an_instance_that_came_late_keeps_its_project() {
	new_server late "$(project default)" "$(project pro)" "$(instance pro a)" "$(profile pro x)" \
		"$(network net-pro)"
	faults "$(jq -n --argjson new "$(instance pro late)" \
		'[{method: "DELETE", path: "/instances/a", do: "add",
		reference: ($new | keys[0]), object: ($new | .[])}]')"
	verb 0 flush --force
	assert_eq "$(deletes)" 'instances/a?project=pro'
	assert_match "$out" "Skipped: project pro \(1 instance remains in project 'pro'\)"
	assert_match "$out" "Skipped: network default/net-pro"
	assert_eq "$(last_line)" 'deleted=1 skipped=3 failed=0'
}

# Upstream counted as deleted what Incus had refused.
test_a_deletion_that_did_not_happen_is_not_called_one() {
	local fault words

	while IFS='|' read -r fault words; do
		new_server "not-${fault//[^a-z]/}" "$(project default)" "$(project pro)" "$(instance pro a)"
		faults "[{\"method\": \"DELETE\", \"path\": \"/instances/a\", $fault}]"
		verb 1 flush --force
		assert_match "$out" "FAILED: instance pro/a: .*$words"
		assert_eq "$(last_line)" 'deleted=0 skipped=1 failed=1'
		verb 1 remove --instance a --force
		assert_match "$out" "FAILED: instance pro/a: .*$words"
		assert_eq "$(last_line)" 'deleted=0 skipped=0 failed=1'
	done <<-'ROWS'
		"do": "lie"|reported it deleted, but it is still there
		"do": "operation", "error": "disk is on fire"|disk is on fire
		"do": "status", "status": 423, "error": "locked"|locked
		"do": "half"|
		"do": "garbage"|
	ROWS
}

# A cleared protection comes back where it was cleared in vain, as it was.
test_protection_comes_back_when_the_deletion_fails() {
	local config

	for config in "$protected" '{}'; do
		new_server back "$(project default)" "$(project pro)" \
			"$(instance pro a "$config" "$protected")"
		faults '[{"method": "DELETE", "path": "/instances/a", "do": "operation", "error": "no"}]'
		verb 1 remove --instance a --force
		curl -s --unix-socket "$INCUS_SOCKET" 'http://incus/1.0/instances/a?project=pro' |
			jq -c .metadata.config >config
		assert_eq "$(cat config)" "$(jq -c . <<<"$config")"
		assert_match "$(grep -c ^PUT "$fake_log")" '^[34]$' "calls that change something"
	done
}

# What comes between is deleted before the project, after the instances.
test_kinds_are_deleted_in_order() {
	new_server order "$(project default)" "$(project lab)" "$(project pro)" \
		"$(instance pro b)" "$(instance lab a)" "$(profile pro x)" "$(profile lab y)" \
		"$(network net-pro)" "$(network net-lab)"
	verb 0 flush --yes
	deletes | sed 's|/.*||' | uniq >kinds
	assert_eq "$(tr '\n' ' ' <kinds)" 'instances profiles projects networks '
	assert_eq "$(last_line)" 'deleted=8 skipped=0 failed=0'
}

# generated FILE [MORE]: as upstream writes it, and what a person adds below.
generated() {
	mkdir -p "${1%/*}"
	printf '%s\n' '---' '# === MANAGED BY infra.yml ===' 'some: value' '# === END MANAGED ===' '' \
		'# Your custom variables below:' >"$1"
	[ -z "${2:-}" ] || echo "$2" >>"$1"
}

# Upstream removed all of it, also of instances that it spared, and what people had written there.
test_generated_files_go_with_their_domain_only() {
	local data

	new_server files "$(project default)" "$(project pro)" "$(project lab)" \
		"$(instance pro pro-dev "$protected")" "$(instance lab test)"
	generated inventory/lab.yml
	generated inventory/pro.yml
	generated group_vars/lab.yml 'mine: 1'
	generated host_vars/test.yml
	generated host_vars/home.yml
	generated host_vars/pro-dev.yml
	echo 'mine: 1' >host_vars/other.yml
	ln -s host_vars/other.yml inventory/perso.yml
	verb 0 flush --yes --dry-run --files .
	assert_match "$out" 'Would be deleted: file host_vars/test.yml'
	verb 0 flush --yes --files .
	assert_match "$out" 'Skipped: file group_vars/lab.yml \(it has more than the managed block\)'
	assert_eq "$(find inventory group_vars host_vars ! -type d | sort | tr '\n' ' ')" \
		'group_vars/lab.yml host_vars/other.yml host_vars/pro-dev.yml inventory/perso.yml inventory/pro.yml '

	data=$ANKLUME_BASE
	verb 5 flush --yes --files "$data"
	ln -s "$data" link
	verb 5 flush --yes --files link
	mkdir -p "$data/host_vars" "$site/dir"
	ANKLUME_BASE=$site/dir/host_vars
	mkdir "$ANKLUME_BASE"
	verb 5 flush --yes --files "$site/dir"
	verb 1 flush --yes --files none
}

# What stayed at last, against the plan, keeps its files.
test_files_of_a_deletion_that_failed_stay() {
	new_server failed-files "$(project default)" "$(project lab)" "$(instance lab test)"
	generated host_vars/test.yml
	faults '[{"method": "DELETE", "path": "/instances/test", "do": "operation", "error": "no"}]'
	verb 1 flush --yes --files .
	assert_match "$out" "Skipped: file host_vars/test.yml \\(project 'lab' stays\\)"
	[ -f host_vars/test.yml ]
}

# A teacher's lab: 60 students, a domain each. Their deletions wait for each other's company.
test_sixty_instances_are_deleted_many_at_a_time() {
	local i

	new_cli_site lab
	"$tests_dir/lib/gen_spec.py" 60 1 >infra.yml
	run 0 apply -q
	{
		project default
		for i in $(seq -f %03.0f 0 59); do
			project "student-$i"
			instance "student-$i" "s$i-m0$i"
			network "net-student-$i"
		done
	} | jq -s add >state.json
	start_fake_incus "$PWD/state.json"
	faults '[{"method": "GET", "path": "/operations/.*/wait", "do": "gather", "n": 12}]'
	verb 0 flush --yes
	assert_eq "$(last_line)" 'deleted=180 skipped=0 failed=0'
	verb 0 flush --yes
	assert_eq "$out" 'Nothing to flush.'$'\n''deleted=0 skipped=0 failed=0'
}

# Ctrl-C: what is under way is finished, with its protection; nothing more is begun.
test_an_interrupt_ends_it_between_two_steps() {
	local pid status=0

	new_server interrupt "$(project default)" "$(project pro)" \
		"$(instance pro a '{"boot.stop.priority": "5"}')" "$(instance pro b "$protected")"
	faults '[{"method": "DELETE", "path": "/instances/a", "do": "gather", "n": 2}]'
	# A shell without job control starts what is in the background deaf to SIGINT.
	python3 -c 'import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$ANKLUME_FSCTL" flush --force >out 2>err </dev/null &
	pid=$!
	wait_until 10 grep -qs '^DELETE' "$fake_log"
	kill -INT "$pid"
	wait_until 10 grep -qs 'stopping after what is under way' err
	# The second one that the first deletion waits for.
	curl -s -X DELETE --unix-socket "$INCUS_SOCKET" 'http://incus/1.0/instances/a?project=pro' >/dev/null
	wait "$pid" || status=$?
	assert_eq "$status" 1 "exit status"
	assert_file_has out '^Deleted: instance pro/a'
	assert_file_has out '^Skipped: instance pro/b \(interrupted\)'
	assert_eq "$(tail -n 1 out)" 'deleted=1 skipped=2 failed=0'
	assert_eq "$(deletes | sort -u)" 'instances/a?project=pro'
	! grep -q '^PUT.*/b' "$fake_log" || fail "the other one was touched"
}

# It is recorded before anything happens, and when nothing can be recorded nothing happens.
test_no_audit_trail_no_deletion() {
	new_server trail "$(project default)" "$(project pro)" "$(instance pro a "$protected")"
	run 0 apply -q
	sqlite3 "$ANKLUME_CATALOG" "CREATE TRIGGER full BEFORE INSERT ON audit
		BEGIN SELECT raise(ABORT, 'no room'); END"
	verb 1 flush --force
	assert_eq "$(deletes)" ''
	assert_match "$err" 'no room|catalogue'
	sqlite3 "$ANKLUME_CATALOG" 'DROP TRIGGER full'
	verb 0 flush --force
	fsctl audit --json | jq -r '.[-3:][] | [.action, .detail] | @tsv' >"$tmp/audit"
	assert_file_has "$tmp/audit" '^deletion.begin	2 to delete, 1 of them protected'
	assert_file_has "$tmp/audit" '^instance.delete	forced: its protection was cleared'
	assert_file_has "$tmp/audit" '^project.delete'
}

# What Incus calls its objects is not what a terminal gets.
test_names_and_errors_of_incus_are_made_printable() {
	new_server bell "$(project default)" "$(project pro)" "$(instance pro a)"
	faults '[{"method": "DELETE", "path": "/instances/a", "do": "operation", "error": "a\u0007b\u001b[31m"}]'
	verb 1 flush --force
	! grep -q "[$(printf '\a\033')]" "$tmp/out" || fail "control characters got through"
}

run_tests
