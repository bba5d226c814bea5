#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Help, manual page and completion say the same, and what they show works.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

page=$root/docs/man/anklume-fsctl.8

# The verbs, from the overview.
verbs() { fsctl help | sed -n '/^Declare:/,/^Options/s/^  \([a-z]*\) .*/\1/p'; }

# The long options of the overview and of every verb.
long_options() {
	local verb

	{
		fsctl help
		for verb in $(verbs); do fsctl help "$verb"; done
	} | grep -o '^  .. *--[a-z-]*\|^  -., --[a-z-]*' | grep -o -- '--[a-z-]*' | sort -u
}

# The page as text, without breaks inside words.
page_text() { man -l -E UTF-8 -P cat --no-hyphenation "$page" 2>/dev/null | col -b; }

test_there_are_verbs_and_options() {
	[ "$(verbs | wc -l)" -ge 22 ] || fail "verbs: $(verbs)"
	[ "$(long_options | wc -l)" -ge 18 ] || fail "options: $(long_options)"
}

# S0-32
test_every_verb_is_in_help_manual_and_completion() {
	local verb

	"$ANKLUME_FSCTL" completion bash >"$tmp/completion"
	bash -n "$tmp/completion"
	page_text >"$tmp/page"
	for verb in $(verbs); do
		assert_status 0 fsctl help "$verb"
		assert_file_has "$tmp/out" "^Usage: anklume-fsctl $verb"
		assert_file_has "$tmp/out" '^Examples:'
		assert_status 0 fsctl "$verb" --help
		assert_file_has "$tmp/page" "^       $verb\b"
		assert_file_has "$tmp/completion" "^	$verb)"
	done
}

test_every_option_is_in_manual_and_completion() {
	local option

	"$ANKLUME_FSCTL" completion bash >"$tmp/completion"
	page_text >"$tmp/page"
	for option in $(long_options); do
		assert_file_has "$tmp/page" "^       (-[a-zA-Z], )?$option\b"
		assert_file_has "$tmp/completion" "$option\b"
	done
}

test_every_exit_code_is_in_the_manual() {
	local code

	page_text | sed -n '/^EXIT STATUS/,/^ENVIRONMENT/p' >"$tmp/page"
	for code in $(fsctl help | sed -n '/^Exit codes:/,$s/^  \([0-9]\) .*/\1/p'); do
		assert_file_has "$tmp/page" "^       $code "
	done
	assert_eq "$code" 8
}

# An Incus with the machines of spec_text.
start_example_incus() {
	jq -n '{("/1.0/projects/default"): {name: "default"}} + ([["pro", "pro-dev"], ["lab", "test"]] |
		map({("/1.0/projects/\(.[0])"): {name: .[0]},
		("/1.0/instances/\(.[1])?project=\(.[0])"): {name: .[1], project: .[0], type: "container",
		status_code: 102, expanded_config: {}, used_by: []}}) | add)' >incus.json
	start_fake_incus "$PWD/incus.json"
}

# S1-28: what the help shows, works, in the order of the help.
test_every_example_works() {
	local verb line count=0 want

	new_cli_site examples
	start_example_incus
	for verb in $(verbs); do
		fsctl help "$verb" | sed -n '/^Examples:/,$s/^  anklume-fsctl //p' >lines
		while read -r line; do
			want=0
			# Without a daemon; tests/crash has them with one.
		case $verb in status | upgrade | umount) want=6 ;; doctor) want=1 ;; esac
			count=$((count + 1))
			eval "set -- $line"
			assert_status "$want" "$ANKLUME_FSCTL" "$@"
		done <lines
	done
	[ "$count" -ge 45 ] || fail "only $count examples"
}

# The keys that JSON has are those that the manual lists.
test_every_json_key_is_in_the_manual() {
	local verb key

	page_text | sed -n '/^JSON KEYS/,/^EXAMPLES/p' >"$tmp/page"
	new_cli_site keys
	start_example_incus
	for verb in 'apply' 'hold x db -r y' ls 'show db' holds audit 'which db' orphans validate \
		'catalog check' 'catalog rebuild --force' 'flush --dry-run' \
		'remove -d pro -s all --force' version 'devices diff' doctor; do
		# shellcheck disable=SC2086
		"$ANKLUME_FSCTL" $verb --json 2>/dev/null >"$tmp/keys.json" || [ "$verb" = doctor ]
		jq -r '[.. | objects | keys[]] | unique[]' "$tmp/keys.json" >"$tmp/keys"
		[ -s "$tmp/keys" ] || [ "$verb" = orphans ] || fail "'$verb' has no keys"
		while read -r key; do
			grep -qw -- "$key" "$tmp/page" || fail "key '$key' of '$verb' is not in the manual"
		done <"$tmp/keys"
	done
}

test_help_fits_the_terminal() {
	local verb

	for verb in '' $(verbs); do
		# shellcheck disable=SC2086
		! fsctl help $verb | grep -nE '^.{81,}' || fail "help of '$verb' is too wide"
	done
}

# What readline would get: complete WORD... with the last word under way.
complete_words() {
	COMP_WORDS=(anklume-fsctl "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_anklume_fsctl
	printf '%s\n' "${COMPREPLY[@]}"
}

test_completion_knows_verbs_volumes_and_formats() {
	new_cli_site completion
	run 0 apply -q
	PATH=$(dirname "$ANKLUME_FSCTL"):$PATH
	"$ANKLUME_FSCTL" completion bash >bash-words
	# shellcheck source=/dev/null
	. ./bash-words
	assert_eq "$(complete_words prot)" protect
	assert_eq "$(complete_words protect pro/)" 'pro/pro-dev/db
pro/pro-dev/www'
	assert_eq "$(complete_words -q readonly o)" 'on
off'
	assert_eq "$(complete_words hold --re)" --reason
	assert_eq "$(complete_words ls -f j)" json
	assert_eq "$(complete_words devices -f h)" host_vars
	assert_eq "$(complete_words catalog r)" rebuild
	assert_eq "$(complete_words volume ad)" adopt
	assert_eq "$(complete_words help val)" validate
	assert_eq "$(complete_words apply inf)" infra.yml
}

test_wrong_usage_is_exit_code_2() {
	new_cli_site usage
	run 2
	run 2 frobnicate
	run 2 ls --frobnicate
	run 2 ls -f xml
	run 2 help frobnicate
	run 2 completion fish
	run 0 --version
	assert_match "$out" '^anklume-fsctl [0-9]'
	run 0 help
	run 0 --help
	run 0 -h ls
}

run_tests
