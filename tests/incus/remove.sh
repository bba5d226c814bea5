#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# remove against a real daemon: the instances that are meant, and nothing of their data.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/lib.sh"
need incus fsctl

pro=$(unique_domain p)
lab=$(unique_domain l)

write_infra() {
	cat <<-Y
		project_name: test
		global: {base_subnet: "10.100"}
		domains:
		  $pro:
		    subnet_id: 0
		    machines:
		      $pro-dev:
		        persistent_data:
		          db: {path: /data/db}
		          www: {path: /data/www}
		  $lab:
		    subnet_id: 1
		    machines:
		      $lab-one: {ephemeral: true}
		      $lab-two: {ephemeral: true}
		      $lab-srv: {}
	Y
}

start_incus
new_site remove
write_infra >"$site/infra.yml"
cd "$site"
fsctl apply -q
for project in "$pro" "$lab"; do
	new_project "$project"
done

# remove CODE ARG...: without a terminal; what it says is in $out and $err.
remove() {
	local want=$1

	shift
	assert_status "$want" "$ANKLUME_FSCTL" remove "$@" </dev/null
	out=$(cat "$tmp/out")
	err=$(cat "$tmp/err")
}

on_terminal() { "$tests_dir/lib/on_terminal.py" "$@"; }
last_line() { tail -n 1 <<<"$out"; }
instances() { incus list --all-projects -f csv -c en | sort | tr '\n' ' '; }
audit() { fsctl audit -n 0 --json | jq -r '.[] | [.action, .object, .detail] | @tsv'; }

# Exactly these instances, "project/name", "project/name!" protected; none of them runs.
have() {
	local project name word

	while IFS=, read -r project name; do
		incus --project "$project" config set "$name" security.protection.delete=false
		incus --project "$project" delete -f "$name"
	done < <(incus list --all-projects -f csv -c en)
	for word; do
		name=${word#*/}
		incus --project "${word%%/*}" init -q busybox "${name%!}"
		[ "$name" = "${name%!}" ] ||
			incus --project "${word%%/*}" config set "${name%!}" security.protection.delete=true
	done
} 2>/dev/null

# S0-10 S0-25
test_an_instance_is_found_over_all_projects_and_its_data_stays() {
	local before

	have
	launch "$pro" "$pro-dev"
	echo precious >"$ANKLUME_BASE/$pro/$pro-dev/db/file"
	before=$(tree_hash "$ANKLUME_BASE")
	remove 0 -i "$pro-dev" --dry-run
	assert_eq "$(instances)" "$pro,$pro-dev "
	remove 0 --instance "$pro-dev"
	assert_eq "$(instances)" ""
	assert_eq "$(tree_hash "$ANKLUME_BASE")" "$before"
	assert_match "$out" "Data of $pro/$pro-dev stays in '$ANKLUME_BASE/$pro/$pro-dev'"
	assert_match "$out" "anklume-fsctl volume rm $pro/$pro-dev/www"
	assert_eq "$(last_line)" "deleted=1 skipped=0 failed=0"
	audit >"$tmp/audit"
	assert_file_has "$tmp/audit" "^instance.delete	$pro/$pro-dev	$"
	remove 4 --instance "$pro-dev"
	assert_match "$err" "no instance '$pro-dev' in any project"
}

# S0-10
test_a_name_in_two_projects_is_an_error_that_lists_both() {
	have "$pro/same" "$lab/same"
	remove 2 --instance same --force
	assert_match "$err" "$lab/same"
	assert_match "$err" "$pro/same"
	assert_eq "$(instances)" "$lab,same $pro,same "
	remove 0 --instance "$lab/same"
	assert_eq "$(instances)" "$pro,same "
}

# S0-11
test_a_protected_one_wants_its_name_typed() {
	local answer

	have "$pro/$pro-dev!"
	remove 5 --instance "$pro-dev"
	assert_match "$err" 'protected, and stdin is no terminal'
	remove 5 --instance "$pro-dev" --yes
	for answer in yes "$pro-de" "$pro-dev " "$pro" '' ^D; do
		assert_status 5 on_terminal "$answer" "$ANKLUME_FSCTL" remove -i "$pro-dev"
		assert_file_has "$tmp/err" "nothing was removed: that is not '$pro-dev'"
	done
	assert_eq "$(instances)" "$pro,$pro-dev "
	assert_eq "$(incus --project "$pro" config get "$pro-dev" security.protection.delete)" true
	assert_status 0 on_terminal "$pro-dev" "$ANKLUME_FSCTL" remove -i "$pro-dev"
	assert_eq "$(instances)" ""
}

# S0-11: upstream's force did not unprotect, Incus refused, and it said Deleted.
test_force_unprotects_deletes_and_is_recorded() {
	have
	launch "$pro" "$pro-dev"
	incus --project "$pro" config set "$pro-dev" security.protection.delete=true
	remove 0 --instance "$pro-dev" --force
	assert_eq "$(instances)" ""
	audit >"$tmp/audit"
	assert_file_has "$tmp/audit" "^instance.delete	$pro/$pro-dev	forced: its protection was cleared"
	fsctl audit --json | jq -r '.[-1].command' >"$tmp/command"
	assert_file_has "$tmp/command" 'remove --instance .* --force'
}

# S0-8
test_scope_ephemeral_is_what_the_spec_calls_so() {
	have "$lab/$lab-one" "$lab/$lab-two!" "$lab/$lab-srv" "$lab/guest" "$pro/$pro-dev"
	remove 0 --domain "$lab" --scope ephemeral
	assert_eq "$(instances)" "$lab,guest $lab,$lab-srv $lab,$lab-two $pro,$pro-dev "
	assert_match "$out" "PROTECTED \(skipped\): instance $lab/$lab-two"
	assert_match "$out" "Skipped: instance $lab/$lab-srv \(not ephemeral\)"
	assert_eq "$(last_line)" "deleted=1 skipped=3 failed=0"
	remove 0 -d "$lab" -s ephemeral --force
	assert_eq "$(instances)" "$lab,guest $lab,$lab-srv $pro,$pro-dev "
}

# S0-9
test_scope_all_is_the_whole_domain_after_one_question() {
	have "$lab/$lab-one" "$lab/$lab-srv!" "$lab/guest" "$pro/$pro-dev"
	remove 5 --domain "$lab" --scope all
	remove 5 --domain "$lab" --scope all --yes
	assert_match "$err" "1 protected instance in '$lab'"
	assert_status 5 on_terminal yes "$ANKLUME_FSCTL" remove -d "$lab" -s all
	assert_eq "$(instances)" "$lab,guest $lab,$lab-one $lab,$lab-srv $pro,$pro-dev "
	assert_status 0 on_terminal "$lab" "$ANKLUME_FSCTL" remove -d "$lab" -s all
	assert_eq "$(grep -o 'Type the name' "$tmp/err" | wc -l)" 1 "questions"
	assert_file_has "$tmp/err" "^Would be deleted: instance $lab/$lab-srv \(protected\)"
	assert_eq "$(instances)" "$pro,$pro-dev "
	have "$lab/$lab-one" "$lab/guest"
	remove 5 --domain "$lab" --scope all
	remove 0 --domain "$lab" --scope all --yes
	assert_eq "$(instances)" ""
}

# S0-9: what others depend on is there until they are gone, as at a shutdown of the host.
test_what_started_first_goes_last() {
	have "$lab/$lab-one" "$lab/$lab-two" "$lab/$lab-srv"
	incus --project "$lab" config set "$lab-one" boot.autostart.priority=10
	incus --project "$lab" config set "$lab-srv" boot.stop.priority=5
	remove 0 --domain "$lab" --scope all --force
	assert_eq "$(sed -n 's/^Deleted: instance //p' <<<"$out" | tr '\n' ' ')" \
		"$lab/$lab-srv $lab/$lab-two $lab/$lab-one "
}

test_wrong_usage() {
	remove 2
	remove 2 --instance a --domain b --scope all
	remove 2 --instance a --scope all
	remove 2 --domain "$lab"
	remove 2 --domain "$lab" --scope some
	remove 4 --domain none --scope all --force
	assert_match "$err" "neither spec nor catalogue knows a domain 'none'"
	remove 4 --instance none/x
}

test_nothing_of_a_domain_is_there() {
	have
	remove 0 --domain "$lab" --scope all
	assert_eq "$out" 'Nothing to remove.'$'\n''deleted=0 skipped=0 failed=0'
}

run_tests
