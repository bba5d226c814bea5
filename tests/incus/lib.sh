# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A private Incus daemon for a test: its own INCUS_DIR, a pool, an image made from busybox-static.
# Nothing of the machine's own Incus is touched, several may run at once. INCUS_POOL is the pool's
# driver: dir, or btrfs in a loop file.

# shellcheck source=tests/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"

incusd=/usr/libexec/incus/incusd
INCUS_POOL=${INCUS_POOL:-dir}
domain= # of write_spec: a test sets it

# Why a daemon cannot be had here; empty when it can.
why_no_incus() {
	busybox=$(command -v busybox || true)
	if [ ! -x "$incusd" ] && ! incusd=$(command -v incusd); then
		echo "no Incus daemon"
	elif ! command -v incus >/dev/null; then
		echo "no Incus client"
	elif [ -z "$busybox" ] || ldd "$busybox" >/dev/null 2>&1; then
		echo "no static busybox"
	elif ! command -v dnsmasq >/dev/null; then
		echo "no dnsmasq, which Incus wants for a bridge"
	elif ! grep -q '^root:' /etc/subuid || ! grep -q '^root:' /etc/subgid; then
		echo "root has no ids in /etc/subuid and /etc/subgid"
	fi
}

need_incus() {
	local why

	need root jq
	why=$(why_no_incus)
	[ -z "$why" ] || skip incus "$why"
	[ -x "$FSOP" ] || skip incus "'$FSOP' is not built"
	[ "$INCUS_POOL" = dir ] || need_pool "$INCUS_POOL"
	busybox=$(command -v busybox)
}

need_pool() {
	need loop "mkfs.$1"
	grep -qw "$1" /proc/filesystems || modprobe -q "$1" 2>/dev/null || skip "$1" "no file system '$1'"
}

# Several of its commands read a configuration from what is not a terminal.
incus() { command incus "$@" </dev/null; }

# The name of a domain, and so of an Incus project, that no other test on this machine has at this
# moment: two instances of one name get one cgroup name, and LXC then appends "-1" to the second.
unique_domain() { printf '%s-%d' "$1" $$; }

# start_incus: sets INCUS_DIR; the image is called "busybox".
start_incus() {
	local dir=$tmp/incus

	mkdir -p "$dir/dir" "$dir/conf"
	chmod 711 "$dir" "$dir/dir"
	unset INCUS_SOCKET
	export INCUS_DIR=$dir/dir INCUS_CONF=$dir/conf
	incus_log=$dir/log
	on_exit stop_incus "$dir"
	run_incusd
	make_pool
	incus profile device add -q default root disk path=/ pool=default
	make_image "$dir/image"
	incus image import -q "$dir/image.tar" --alias busybox
}

make_pool() {
	local options=()

	[ "$INCUS_POOL" = dir ] || options=(size=2GiB)
	incus storage create -q default "$INCUS_POOL" "${options[@]}"
}

# The daemon of $INCUS_DIR, for the first time or again; returns when it answers.
run_incusd() {
	"$incusd" --group root >>"$incus_log" 2>&1 &
	incus_pid=$!
	echo "$incus_pid" >"${INCUS_DIR%/dir}/pid"
	wait_until 60 incus_answers || fail "incusd does not answer:"$'\n'"$(tail -n 20 "$incus_log")"
	incus admin waitready --timeout 60 2>/dev/null
}

# end_incusd [SIGNAL]: its containers go on.
end_incusd() {
	incus_pid=$(cat "${INCUS_DIR%/dir}/pid") # perhaps of another test's run_incusd
	kill "-${1:-TERM}" "$incus_pid"
	wait_pid "$incus_pid" 60
}

# A daemon that is gone does not come back: do not wait for it.
incus_answers() {
	kill -0 "$incus_pid" || fail "incusd ended:"$'\n'"$(tail -n 20 "$incus_log")"
	[ -S "$INCUS_DIR/unix.socket" ] && incus query /1.0 >/dev/null 2>&1
}

make_image() {
	local top=$1 applet

	mkdir -p "$top"/rootfs/{bin,dev,etc,proc,root,run,sys,tmp,var}
	cp "$busybox" "$top/rootfs/bin/busybox"
	[ ! -x "$FSOP" ] || cp "$FSOP" "$top/rootfs/bin/fsop"
	for applet in cat chmod chown cp date dd df echo env false find grep head id init kill ln ls \
		mkdir mknod mount mv rm rmdir sed sh sha256sum sort stat sync tail tar tee \
		test touch true truncate umount wc; do
		ln -s busybox "$top/rootfs/bin/$applet"
	done
	ln -s bin "$top/rootfs/sbin"
	chmod 1777 "$top/rootfs/tmp"
	printf '%s\n' '::sysinit:/bin/true' '::respawn:/bin/tail -f /dev/null' >"$top/rootfs/etc/inittab"
	printf '%s\n' root:x:0:0::/root:/bin/sh web:x:33:33::/tmp:/bin/sh >"$top/rootfs/etc/passwd"
	printf '%s\n' root:x:0: web:x:33: >"$top/rootfs/etc/group"
	cat >"$top/metadata.yaml" <<-Y
		architecture: $(uname -m)
		creation_date: $(date +%s)
		properties: {description: busybox}
	Y
	tar -C "$top" -cf "$top.tar" metadata.yaml rootfs
}

# write_spec [LINE...]: the site's infra.yml. $domain has the LINEs, and the machines on stdin.
write_spec() {
	{
		cat <<-Y
			project_name: test
			global: {base_subnet: "10.100", persistent_data_base: $ANKLUME_MOUNT}
			domains:
			  $domain:
			    subnet_id: 0
		Y
		[ $# = 0 ] || printf '    %s\n' "$@"
		echo '    machines:'
		sed 's/^/      /'
	} >"$site/infra.yml"
}

# new_host NAME [LINE...]: a site with that spec, applied and mounted, and an Incus with an empty
# project for the domain.
new_host() {
	new_site "$1"
	write_spec "${@:2}"
	fsctl apply "$site/infra.yml" >/dev/null
	start_daemon
	start_incus
	new_project "$domain"
}

new_project() {
	incus project create -q "$1" -c features.images=false -c features.profiles=false
}

# A project as anklume makes one: images and profiles of its own, its instances' root disk in its
# default profile, a bridge net-<project> in the default project.
new_domain_project() {
	local project=$1

	new_network "net-$project"
	incus project create -q "$project"
	incus --project "$project" profile device add -q default root disk path=/ pool=default
	incus --project "$project" profile device add -q default eth0 nic network="net-$project"
	incus --project "$project" image import -q "${INCUS_DIR%/dir}/image.tar" --alias busybox
}

# The bridge is the host's: its name must be one that nobody else has, and it must not stay.
new_network() {
	on_exit drop_network "$1"
	incus network create -q "$1" ipv4.address=none ipv6.address=none
}

drop_network() { ip link delete "$1" 2>/dev/null || true; }

# launch PROJECT NAME: an unprivileged container, running when this returns.
launch() {
	incus --project "$1" launch -q busybox "$2" 2>"$tmp/launch.err" ||
		fail "'$1/$2' does not start: $(cat "$tmp/launch.err")"
}

# inside PROJECT NAME COMMAND...: as root of the container.
inside() {
	local project=$1 name=$2

	shift 2
	incus --project "$project" exec "$name" -- "$@"
}

# inside_as UID PROJECT NAME COMMAND...
inside_as() {
	local uid=$1 project=$2 name=$3

	shift 3
	incus --project "$project" exec "$name" --user "$uid" --group "$uid" -- "$@"
}

instance_pid() { incus query "/1.0/instances/$2/state?project=$1" | jq -r .pid; }

# assert_errno_inside PROJECT NAME ERRNO OPERATION ARG...: see fsop.c.
assert_errno_inside() {
	local project=$1 name=$2 want=$3 got

	shift 3
	got=$(inside "$project" "$name" fsop "$@") || true
	[ "$got" = "$want" ] || fail "in $project/$name: $* gave '$got', expected '$want'"
}

# Pids of those that have the text on their command line, as monitors have their INCUS_DIR.
processes_of() { { grep -lsaF "$1" /proc/[0-9]*/cmdline || true; } | cut -d/ -f3; }

# The cleanup of start_incus: everything of this daemon, found by its directory, never by name.
stop_incus() {
	local dir=$1 pid project name

	pid=$(cat "$dir/pid")
	export INCUS_DIR=$dir/dir INCUS_CONF=$dir/conf
	if [ "/proc/$pid/exe" -ef "$incusd" ]; then
		while IFS=, read -r project name; do
			timeout 60 incus --project "$project" delete -f "$name" </dev/null
		done < <(timeout 20 incus list --all-projects -f csv -c en </dev/null)
		kill -TERM "$pid"
		wait_pid "$pid" 30 2>/dev/null || kill -KILL "$pid"
	fi
	# Monitors of containers that could not be deleted have the directory on their command line.
	processes_of "$dir/dir" | xargs -r kill -KILL
	mounts_below "$dir" | tac | xargs -r umount -l
	return 0
} >/dev/null 2>&1
