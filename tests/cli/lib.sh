# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the tests of anklume-fsctl share: a site without a daemon, and small specs.

# shellcheck source=../lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"
need root fsctl jq

# shellcheck disable=SC2034 # for the tests
samples=$root/../shared/samples

# A site with a spec of three domains, the current directory in it.
new_cli_site() {
	new_site "site-$1"
	unset ANKLUME_MOUNT # the spec's default is what devices point to
	cd "$site"
	spec_text >infra.yml
}

# The example of most tests: protected, read-only and ephemeral volumes.
spec_text() {
	cat <<-'YAML'
		project_name: test
		global:
		  base_subnet: "10.100"
		domains:
		  pro:
		    subnet_id: 0
		    machines:
		      pro-dev:
		        ip: "10.100.0.1"
		        devices:
		          gpu0:
		            type: gpu
		        persistent_data:
		          db:
		            path: /var/lib/postgresql
		            owner: "999:998"
		            mode: "2750"
		            class: database
		            size: 10GiB
		          www:
		            path: /var/www
		            readonly: true
		  perso:
		    subnet_id: 1
		    machines:
		      home:
		        ip: "10.100.1.1"
		        persistent_data:
		          photos:
		            path: /photos
		            description: "Holidays"
		  lab:
		    subnet_id: 2
		    ephemeral: true
		    machines:
		      test:
		        ip: "10.100.2.1"
		        persistent_data:
		          scratch:
		            path: /scratch
	YAML
}

# The same with volume `photos` gone.
spec_without_photos() { spec_text | sed '/^ *photos:/,/^ *description:/d'; }

# run CODE VERB...: anklume-fsctl must exit with CODE; $out and $err are what it says.
run() {
	local want=$1

	shift
	assert_status "$want" "$ANKLUME_FSCTL" "$@"
	# shellcheck disable=SC2034 # for the tests
	out=$(cat "$tmp/out")
	# shellcheck disable=SC2034
	err=$(cat "$tmp/err")
}

# json FILTER VERB...: what jq makes of the verb's JSON.
json() {
	local filter=$1

	shift
	"$ANKLUME_FSCTL" "$@" --json >"$tmp/json.out" || true
	jq -c "$filter" "$tmp/json.out"
}

mark_of() { getfattr --only-values -n trusted.anklume.volume "$1" 2>/dev/null; }

# start_fake MODE: see fake_daemon.py. Its requests are in $site/requests.
start_fake() {
	local ready

	exec {fake_out}< <(exec "$tests_dir/cli/fake_daemon.py" "$ANKLUME_CONTROL" "$site/requests" "$1")
	fake_pid=$!
	on_exit kill_quietly "$fake_pid"
	read -r ready <&"$fake_out"
	assert_eq "$ready" READY "fake daemon"
}

kill_quietly() { kill "$1" 2>/dev/null || true; }

stop_fake() {
	kill "$fake_pid"
	wait "$fake_pid" || true
	exec {fake_out}<&-
}

# extract_blocks DIR: each ```yaml block of the documents as DIR/<n>.<kind>.yml; kind is "spec" or the
# fence's second word.
extract_blocks() {
	python3 - "$1" "$root"/README.md "$root"/docs/*.md "$root"/docs/*/*.md <<-'P'
		import pathlib, re, sys
		out = pathlib.Path(sys.argv[1])
		n = 0
		for name in sys.argv[2:]:
		    text = pathlib.Path(name).read_text(encoding="utf-8")
		    for kind, body in re.findall(r"^```yaml *(\w*)\n(.*?)^```$", text, re.S | re.M):
		        n += 1
		        (out / f"{n:02}.{kind or 'spec'}.yml").write_text(body, encoding="utf-8")
	P
}
