#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# flush against a real daemon: what goes, what stays, and that what stays goes on working.

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
		      $pro-web: {ephemeral: true}
		  $lab:
		    subnet_id: 1
		    ephemeral: true
		    machines:
		      $lab-one:
		        persistent_data:
		          scratch: {path: /scratch}
		      $lab-two: {}
	Y
}

start_incus
new_site flush
write_infra >"$site/infra.yml"
cd "$site"
fsctl apply -q

# flush CODE ARG...: what it says is in $out and $err.
flush() {
	local want=$1

	shift
	assert_status "$want" "$ANKLUME_FSCTL" flush "$@" </dev/null
	out=$(cat "$tmp/out")
	err=$(cat "$tmp/err")
}

last_line() { tail -n 1 <<<"$out"; }

# All that Incus holds, without what changes by itself.
everything() {
	incus list --all-projects -f csv -c enst
	incus query '/1.0/profiles?recursion=1&all-projects=true' | jq -S .
	incus project list -f csv
	incus image list --all-projects -f csv
	incus network list -f csv
}

instances() { incus list --all-projects -f csv -c en | sort | tr '\n' ' '; }
has_project() { incus project show "$1" >/dev/null 2>&1; }
has_network() { incus network show "$1" >/dev/null 2>&1; }

# Empty the server, whatever the last test left.
reset() {
	local project name

	while IFS=, read -r project name; do
		incus --project "$project" config set "$name" security.protection.delete=false
		incus --project "$project" delete -f "$name"
	done < <(incus list --all-projects -f csv -c en)
	for project in $(incus project list -f csv -c n | sed 's/ .*//; /^default$/d'); do
		incus --project "$project" storage volume list default -f csv -c tn |
			sed -n 's/^custom,//p' |
			xargs -r -n 1 incus --project "$project" storage volume delete -q default
		incus --project "$project" image list -f csv -c f |
			xargs -r -n 1 incus --project "$project" image delete
		for name in $(incus --project "$project" profile list -f csv -c n | sed '/^default$/d'); do
			incus --project "$project" profile delete -q "$name"
		done
		incus project delete -q "$project"
	done
	for name in $(incus network list -f csv | sed -n 's/,bridge,YES.*//p'); do
		incus network delete -q "$name"
	done
}

# make PROJECT NAME...: instances that do not run; "name!" is protected.
make() {
	local project=$1 name

	shift
	for name; do
		incus --project "$project" init -q busybox "${name%!}"
		[ "${name%!}" = "$name" ] ||
			incus --project "$project" config set "${name%!}" security.protection.delete=true
	done
}

test_nothing_there_is_nothing_to_flush() {
	flush 0 --yes
	assert_eq "$out" 'Nothing to flush.'$'\n''deleted=0 skipped=0 failed=0'
}

# S0-25
test_a_dry_run_says_what_would_happen_and_changes_nothing() {
	local before

	reset
	new_domain_project "$pro"
	new_domain_project "$lab"
	make "$pro" "$pro-dev!" "$pro-web"
	make "$lab" "$lab-one"
	before=$(everything)
	flush 0 --dry-run
	assert_eq "$(everything)" "$before"
	assert_match "$out" "Would be deleted: instance $pro/$pro-web"
	assert_match "$out" "PROTECTED \(skipped\): instance $pro/$pro-dev"
	assert_match "$out" "Would be deleted: network default/net-$lab"
	assert_eq "$(last_line)" "deleted=0 skipped=2 failed=0"
	assert_eq "$("$ANKLUME_FSCTL" flush --dry-run --json | jq -c '[.changed, .dry_run, .deleted]')" \
		'[false,true,0]'
}

# S0-2 S0-3 S0-5 S0-7 FP-001 FP-002 FP-2-001: of three instances one is protected itself, one by a
# profile; only the third goes. What is left lacks nothing: upstream took its profiles' devices.
test_protected_instances_are_left_alone_with_all_they_need() {
	local spared

	reset
	new_domain_project "$pro"
	incus --project "$pro" profile create -q guarded
	incus --project "$pro" profile set guarded security.protection.delete=true
	incus --project "$pro" profile create -q unused
	launch "$pro" "$pro-dev"
	incus --project "$pro" config set "$pro-dev" security.protection.delete=true
	make "$pro" "$pro-db"
	incus --project "$pro" profile add -q "$pro-db" guarded
	launch "$pro" "$pro-web"
	spared=$(incus query "/1.0/instances/$pro-dev?project=$pro" | jq -S .expanded_devices)

	flush 0 --yes
	assert_eq "$(instances)" "$pro,$pro-db $pro,$pro-dev "
	assert_eq "$(grep -c '^PROTECTED (skipped): instance' <<<"$out")" 2
	assert_match "$out" "Deleted: instance $pro/$pro-web"
	assert_match "$out" "Skipped: project $pro \(2 instances remain: images, profiles and networks stay, too\)"
	assert_eq "$(last_line)" "deleted=1 skipped=3 failed=0"
	assert_eq "$(incus query "/1.0/instances/$pro-dev?project=$pro" | jq -S .expanded_devices)" \
		"$spared" "devices of the spared instance"
	incus --project "$pro" profile show unused >/dev/null
	has_network "net-$pro"
	inside "$pro" "$pro-dev" true
	incus --project "$pro" restart -f "$pro-dev"
	inside "$pro" "$pro-dev" cat /proc/net/dev >"$tmp/devices"
	assert_file_has "$tmp/devices" eth0

	# Again: nothing more to do, and a program can tell. S0-25
	"$ANKLUME_FSCTL" flush --yes --json >"$tmp/json"
	assert_eq "$(jq -c '[.changed, .deleted, .skipped, .failed]' "$tmp/json")" '[false,0,3,0]'
	assert_eq "$(jq -c '[.steps[] | select(.kind == "instance") | {action, reason}] | unique' \
		"$tmp/json")" '[{"action":"skipped","reason":"protected"}]'
	flush 8 --yes --strict
}

# S0-4 FP-003
test_force_clears_the_protection_and_leaves_nothing() {
	reset
	new_domain_project "$pro"
	launch "$pro" "$pro-dev"
	incus --project "$pro" config set "$pro-dev" security.protection.delete=true
	incus --project "$pro" profile create -q guarded
	incus --project "$pro" profile set guarded security.protection.delete=true
	make "$pro" "$pro-web"
	incus --project "$pro" profile add -q "$pro-web" guarded
	flush 0 --force
	assert_eq "$(instances)" ""
	! has_project "$pro" || fail "the project is still there"
	! has_network "net-$pro" || fail "the network is still there"
	assert_match "$out" "Deleted: instance $pro/$pro-dev \(protection cleared\)"
	assert_eq "$(last_line)" "deleted=6 skipped=0 failed=0"
	fsctl audit -n 0 --json | jq -r '.[] | [.action, .object, .detail] | @tsv' >"$tmp/audit"
	assert_file_has "$tmp/audit" "^instance.delete	$pro/$pro-dev	forced: its protection was cleared"
	assert_file_has "$tmp/audit" "^project.delete	$pro"
}

# S0-4: nobody is asked where nobody can answer, and a pipe is nobody.
test_without_a_terminal_it_wants_yes_or_force() {
	local before

	reset
	new_domain_project "$pro"
	make "$pro" "$pro-web"
	before=$(everything)
	flush 5
	assert_match "$err" 'no terminal'
	echo yes >answer
	assert_status 5 "$ANKLUME_FSCTL" flush <answer
	assert_eq "$(everything)" "$before"
}

on_terminal() { "$tests_dir/lib/on_terminal.py" "$@"; }

test_on_a_terminal_only_yes_goes_on() {
	local answer want

	for answer in no y YES '' ^D; do
		want=0
		[ "$answer" != ^D ] || want=1
		assert_status "$want" on_terminal "$answer" "$ANKLUME_FSCTL" flush
		assert_file_has "$tmp/err" '^(Type .*: )?Aborted'
		assert_file_has "$tmp/err" "^Would be deleted: instance $pro/$pro-web"
	done
	assert_eq "$(instances)" "$pro,$pro-web "
	assert_status 0 on_terminal yes "$ANKLUME_FSCTL" flush
	assert_eq "$(instances)" ""
}

# As upstream: level 0 without yolo is production.
test_a_production_host_wants_force_or_yolo() {
	local level yolo options want

	reset
	while IFS='|' read -r level yolo options want; do
		rm -f "$ANKLUME_LEVEL_FILE" "$site/yolo"
		[ -z "$level" ] || echo "$level" >"$ANKLUME_LEVEL_FILE"
		[ -z "$yolo" ] || echo "$yolo" >"$site/yolo"
		# shellcheck disable=SC2086
		flush "$want" $options
		[ "$want" = 0 ] || assert_match "$err" 'production'
	done <<-ROWS
		0||--yes|5
		0|false|--yes|5
		0|true|--yes|0
		0||--force|0
		0||--dry-run|0
		1||--yes|0
		||--yes|0
	ROWS
	rm -f "$ANKLUME_LEVEL_FILE" "$site/yolo"
}

test_what_nothing_knows_is_left_alone_unless_it_is_meant() {
	local other

	other=$(unique_domain x)
	reset
	new_domain_project "$other"
	make "$other" mail
	new_domain_project "$pro"
	make "$pro" "$pro-web"
	incus init -q busybox box 2>/dev/null # it says that there is no network
	flush 0 --yes
	assert_eq "$(instances)" "default,box $other,mail "
	has_network "net-$other"
	assert_match "$err" '2 projects with instances that neither spec nor'
	flush 0 --yes --all-projects
	assert_eq "$(instances)" ""
	! has_project "$other" || fail "the project is still there"
	! has_network "net-$other" || fail "the network is still there"
	incus image info busybox >/dev/null || fail "an image of the default project is gone"

	cd /
	flush 2 --yes --catalog "$site/none"
	assert_match "$err" 'no spec and no catalogue'
	cd "$site"
}

# S0-33
test_volumes_of_a_pool_are_data_and_keep_their_project() {
	reset
	new_domain_project "$pro"
	make "$pro" "$pro-web"
	incus --project "$pro" storage volume create -q default pgdata
	flush 0 --force
	assert_match "$err" "warning: project '$pro' holds data in storage pools:"
	assert_match "$err" "volume 'default/pgdata'"
	assert_match "$err" "'anklume-fsctl volume adopt $pro/POOL/NAME VOLUME'"
	assert_match "$out" "Skipped: project $pro \(it holds 1 volume of a storage pool"
	assert_eq "$(instances)" ""
	incus --project "$pro" storage volume show default pgdata >/dev/null
	has_network "net-$pro"
}

unmount_again() { ! mountpoint -q "$1" || umount "$1"; }

# Not even root can remove a mount point.
test_a_deletion_that_fails_is_told_and_its_project_stays() {
	local rootfs

	reset
	new_domain_project "$pro"
	make "$pro" "$pro-dev!" "$pro-web"
	rootfs=$INCUS_DIR/storage-pools/default/containers/${pro}_$pro-dev/rootfs
	mount -t tmpfs none "$rootfs/etc"
	on_exit unmount_again "$rootfs/etc"
	flush 1 --force
	assert_match "$out" "FAILED: instance $pro/$pro-dev: "
	assert_match "$out" "Deleted: instance $pro/$pro-web"
	assert_match "$out" "Skipped: project $pro \(1 instance remains in project"
	assert_match "$(last_line)" '^deleted=1 skipped=[0-9]+ failed=1$'
	assert_eq "$(instances)" "$pro,$pro-dev "
	assert_eq "$(incus --project "$pro" config get "$pro-dev" security.protection.delete)" true \
		"the protection that was cleared in vain"
	has_network "net-$pro"
	incus --project "$pro" image info busybox >/dev/null || fail "the image is gone"
	fsctl audit --json | jq -r '.[] | [.action, .object] | @tsv' >"$tmp/audit"
	assert_file_has "$tmp/audit" "^instance.delete-failed	$pro/$pro-dev"
	umount "$rootfs/etc"
	flush 0 --force
	assert_eq "$(instances)" ""
	! has_project "$pro" || fail "the project is still there"
}

test_instances_that_incus_deletes_at_their_stop() {
	local i

	reset
	new_domain_project "$lab"
	for i in 1 2 3 4; do
		incus --project "$lab" launch -q --ephemeral busybox "$lab-$i" 2>/dev/null
	done
	flush 0 --yes
	assert_eq "$(grep -c '^Deleted: instance' <<<"$out")" 4
	assert_eq "$(last_line)" "deleted=7 skipped=0 failed=0"
}

test_without_incus_it_says_so() {
	assert_status 1 env INCUS_DIR="$tmp/nowhere" "$ANKLUME_FSCTL" flush --yes
	assert_file_has "$tmp/err" "cannot connect to Incus at '$tmp/nowhere/unix.socket'"
}

run_tests
