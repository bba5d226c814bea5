#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The verbs that look: ls, tree, show, which, orphans, and the formats.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need setfattr

applied_site() {
	new_cli_site "$1"
	run 0 apply -q
}

# DC-1
test_ls_lists_what_is_recorded() {
	applied_site ls
	assert_eq "$(fsctl ls | sed 's/ *$//')" "VOLUME            PATH                FLAGS        CLASS        SIZE
lab/test/scratch  /scratch
perso/home/photos /photos             protected
pro/pro-dev/db    /var/lib/postgresql protected    database 10.0 GiB
pro/pro-dev/www   /var/www            ro,protected"
	run 0 ls pro
	assert_eq "$(wc -l <<<"$out")" 3
	run 0 ls 'pro/*/w*' -f compact
	assert_eq "$out" $'pro/pro-dev/www\t/var/www\treadonly,protected\tpro/pro-dev\t\t'
	run 4 ls nothing
	assert_match "$err" "no volume 'nothing'"
}

test_ls_names_an_owner_that_is_somebody_else() {
	applied_site owner
	run 0 owner photos default/web -q
	run 0 ls photos
	assert_match "$out" 'OWNER'
	assert_match "$out" 'default/web'
}

test_formats_say_the_same() {
	applied_site formats
	run 0 ls -f csv
	assert_eq "$(head -n 1 "$tmp/out")" $'volume,path,flags,owner,class,size_bytes\r'
	assert_eq "$(sed -n 5p "$tmp/out")" \
		$'pro/pro-dev/www,/var/www,"readonly,protected",pro/pro-dev,,\r'
	python3 - "$tmp/out" <<-'P'
		import csv, sys
		with open(sys.argv[1], newline="", encoding="utf-8") as f:
		    rows = list(csv.DictReader(f, strict=True))
		assert [r["size_bytes"] for r in rows] == ["", "", "10737418240", ""], rows
	P
	assert_eq "$(json '[.[] | .volume]' ls)" \
		'["lab/test/scratch","perso/home/photos","pro/pro-dev/db","pro/pro-dev/www"]'
	assert_eq "$(json '.[2] | [.domain,.machine,.name,.flags,.uid,.gid,.mode,.size_bytes,.device]' ls)" \
		'["pro","pro-dev","db",["protected"],999,998,"2750",10737418240,"pd-db"]'
	run 0 ls db -f yaml
	assert_match "$out" '^- volume: pro/pro-dev/db'
	assert_match "$out" 'mode: "2750"'
}

test_tree_draws_the_levels() {
	applied_site tree
	run 0 tree
	assert_eq "$out" "/srv/anklume/data
├─lab
│ └─test
│   └─scratch  /scratch
├─perso
│ └─home
│   └─photos  /photos  [protected]
└─pro
  └─pro-dev
    ├─db  /var/lib/postgresql  [protected]
    └─www  /var/www  [ro,protected]"
	assert_eq "$(json '.pro["pro-dev"].db.path' tree)" '"/var/lib/postgresql"'
	run 0 tree perso
	assert_eq "$(wc -l <<<"$out")" 4
}

# DC-2
test_show_agrees_with_the_mark() {
	applied_site show
	run 0 hold audit db --reason 'yearly' --until 1d
	run 0 unprotect db
	run 0 readonly on db
	run 0 show db
	assert_match "$out" 'Read-only: +yes, says the administrator; the spec says no'
	assert_match "$out" 'Protected: +no, says the administrator; the spec says yes'
	assert_match "$out" 'Holds: +audit by .* until .*: yearly'
	assert_match "$out" 'Mark: +agrees'
	assert_match "$out" 'On disk: +owner 999:998, mode 2750'

	# The mark is text with a JSON object in it: the same facts.
	mark_of base/pro/pro-dev/db | sed 's/^[^{]*//' | jq -S . >mark.json
	assert_eq "$(jq -r '.volume.readonly_override' mark.json)" \
		"$(json .readonly_override show db | tr -d '"')"
	assert_eq "$(jq -r '.volume.protected_override' mark.json)" \
		"$(json .protected_override show db | tr -d '"')"
	assert_eq "$(jq -c '[.. | .tag? // empty]' mark.json)" "$(json '[.holds[].tag]' show db)"
	assert_eq "$(jq -r .machine.instance mark.json)" "$(json .instance show db | tr -d '"')"
}

test_show_says_what_is_wrong_with_a_directory() {
	applied_site wrong
	setfattr -n trusted.anklume.volume -v junk base/pro/pro-dev/db
	assert_eq "$(json .mark show db)" '"damaged"'
	setfattr -x trusted.anklume.volume base/pro/pro-dev/db
	assert_eq "$(json .mark show db)" '"missing"'
	chown 5:5 base/pro/pro-dev/db
	run 0 show db
	assert_match "$out" 'owner 5:5, mode 2750 \(not as declared\)'
	rmdir base/pro/pro-dev/db
	assert_eq "$(json '[.mark,.directory_state.state]' show db)" '["no directory","missing"]'
	ln -s /etc base/pro/pro-dev/db
	assert_eq "$(json .directory_state.state show db)" '"Too many levels of symbolic links"'
	run 4 show pro
	assert_match "$err" "'pro' means 2 volumes"
}

# S3-23
test_which_answers_in_both_directions() {
	applied_site which
	local want="[\"pro/pro-dev/db\",\"$site/base/pro/pro-dev/db/15/main\",\
\"/srv/anklume/data/pro/pro-dev/db/15/main\",\"pro/pro-dev\",\"/var/lib/postgresql/15/main\"]"
	local facts='.[0] | [.name,.base,.mount,.instance,.inside]'

	assert_eq "$(json "$facts" which "$site/base/pro/pro-dev/db/15/main")" "$want"
	assert_eq "$(json "$facts" which /srv/anklume/data/pro/pro-dev/db/15/main/)" "$want"
	assert_eq "$(json "$facts" which pro-dev:/var/lib/postgresql/15/main)" "$want"
	assert_eq "$(json "$facts" which pro/pro-dev:/var/lib/postgresql/15/main)" "$want"
	assert_eq "$(json "$facts" which /var/lib/postgresql/15/main)" "$want"
	assert_eq "$(json '.[0].kind' which pro)" '"domain"'
	assert_eq "$(json '.[0].kind' which pro-dev)" '"machine"'
	mkdir base/pro/pro-dev/db/15
	ln -s base/pro/pro-dev short
	assert_eq "$(json '.[0].inside' which "$site/short/db/15")" '"/var/lib/postgresql/15"'
	cd base/pro/pro-dev/db/15
	assert_eq "$(json '.[0].inside' which .)" '"/var/lib/postgresql/15"'
	assert_eq "$(json '.[0].inside' which ./x)" '"/var/lib/postgresql/15/x"'
	cd "$site"
	run 0 which db
	assert_match "$out" 'In the instance: /var/lib/postgresql'
	run 4 which /etc/passwd
	run 4 which "$site/base/pro/other/x"
	assert_match "$err" 'not declared'
	run 4 which nobody:/etc
	run 4 which "$site/base/pro/../nowhere"
}

# DC-1
test_orphans_reports_what_nobody_declared() {
	applied_site orphans
	run 0 orphans
	assert_match "$err" 'No orphans'
	mkdir -p base/pro/pro-dev/old base/ghost/m/v base/pro-dev/db/one base/pro-dev/db/two
	touch base/file
	ln -s /etc base/pro/link
	run 0 orphans
	assert_match "$out" 'pro/pro-dev/old +undeclared'
	assert_match "$out" 'ghost/m/v +undeclared'
	assert_match "$out" "pro-dev/db +undeclared .*anklume's first layout"
	assert_match "$out" 'file +stray'
	assert_match "$out" 'pro/link +stray'
	assert_eq "$(json length orphans)" 5
	run 0 ls
	! grep -q ghost <<<"$out" || fail "ls shows an undeclared directory"
}

test_status_without_a_daemon() {
	applied_site status
	run 6 status
	assert_match "$out" 'State: +daemon not running'
	assert_match "$out" 'Generation: +1'
	assert_eq "$(json '[.state,.catalog_volumes]' status)" '["daemon not running",4]'
	run 6 status -f compact
	assert_match "$out" $'catalog_volumes\t4'
}

# A terminal of 80 columns: nothing that one volume's line needs is cut, texts wrap at words.
test_tables_fit_eighty_columns() {
	applied_site tty
	run 0 hold audit 'pro/*/*' -q --reason \
		'a reason that is rather long and goes on and on, to the end of the line and beyond'
	local verb

	for verb in ls tree 'show db' holds audit orphans status 'which db' help 'help hold'; do
		script -qec "stty cols 80; '$ANKLUME_FSCTL' $verb" /dev/null >"$tmp/tty.out" || true
		! tr -d '\r' <"$tmp/tty.out" | grep -nE '^.{81,}' ||
			fail "'$verb' is wider than the terminal"
	done
	script -qec "stty cols 80; '$ANKLUME_FSCTL' holds" /dev/null | tr -d '\r' >"$tmp/tty.out"
	assert_file_has "$tmp/tty.out" 'and goes on'
}

test_tree_has_all_formats() {
	applied_site treeformats
	local format

	for format in csv compact; do
		run 0 ls -f "$format"
		cp "$tmp/out" listed
		run 0 tree -f "$format"
		cmp listed "$tmp/out" || fail "tree -f $format is not ls -f $format"
		run 0 ls pro -f "$format"
		cp "$tmp/out" listed
		run 0 tree pro -f "$format"
		cmp listed "$tmp/out" || fail "tree pro -f $format is not ls pro -f $format"
	done
	assert_eq "$(wc -l <listed)" 2
}

# S2-18
test_show_says_which_base() {
	new_cli_site staging
	run 0 apply -q
	assert_eq "$(json '[.base,.directory]' show db)" \
		"[\"$ANKLUME_BASE\",\"$ANKLUME_BASE/pro/pro-dev/db\"]"
	run 0 show db
	assert_match "$out" "Base: +$ANKLUME_BASE"
	mkdir "$site/other"
	ANKLUME_BASE=$site/other ANKLUME_CATALOG=$site/other.db run 0 apply -q
	assert_eq "$(ANKLUME_CATALOG=$site/other.db json .directory show db --base "$site/other")" \
		"\"$site/other/pro/pro-dev/db\""
}

run_tests
