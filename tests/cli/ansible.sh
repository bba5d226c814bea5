#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The documents' playbook with the real Ansible: changed at first, ok the second time.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need python3 ansible-playbook

# play NAME: Ansible's recap goes to the file NAME.
play() {
	ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_INVENTORY_UNPARSED_WARNING=false HOME=$site \
		PATH=$(dirname "$ANKLUME_FSCTL"):$PATH \
		ansible-playbook -c local site.yml >"$1" 2>&1 || fail "$(cat "$1")"
}

# S0-25
test_the_playbook_is_changed_once_and_then_ok() {
	mkdir "$tmp/blocks"
	extract_blocks "$tmp/blocks"
	new_cli_site ansible
	cp "$tmp"/blocks/*.ansible.yml site.yml
	jq -n '{("/1.0/projects/lab"): {name: "lab"}, ("/1.0/instances/test?project=lab"): {name: "test",
		project: "lab", type: "container", status_code: 102, expanded_config: {}}}' >incus.json
	start_fake_incus "$PWD/incus.json"
	play first
	assert_file_has first 'localhost .*ok=2 +changed=2 .*failed=0'
	play second
	assert_file_has second 'localhost .*ok=2 +changed=0 .*failed=0'
}

run_tests
