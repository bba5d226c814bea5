#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# podman in an unprivileged container, its images and layers (overlayfs) on a volume.

# shellcheck source=tests/incus/lib.sh
. "$(dirname "$0")/lib.sh"
need incus fuse fsctl podman crun conmon
grep -qw overlay /proc/filesystems || modprobe -q overlay || skip overlay "no overlay file system"

domain=$(unique_domain nest)
box=$domain-a

new_site podman
cat >"$site/infra.yml" <<-Y
	project_name: test
	global: {base_subnet: "10.100", persistent_data_base: $ANKLUME_MOUNT}
	domains:
	  $domain:
	    subnet_id: 0
	    machines:
	      $box:
	        persistent_data:
	          layers: {path: /var/lib/containers}
Y
fsctl apply "$site/infra.yml" >/dev/null
layers=$ANKLUME_BASE/$domain/$box/layers
start_daemon
start_incus
new_project "$domain"

# busybox with room for the programs of this machine, which are mounted over /usr.
nesting_image() {
	local top=$tmp/nesting

	cp -a "$tmp/incus/image" "$top"
	mkdir -p "$top"/rootfs/{usr,etc/containers,var/tmp,var/lib}
	ln -s usr/lib "$top/rootfs/lib"
	ln -s usr/lib64 "$top/rootfs/lib64"
	echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$top/rootfs/etc/containers/policy.json"
	printf '%s\n' '[storage]' 'driver = "overlay"' 'graphroot = "/var/lib/containers"' \
		'runroot = "/run/containers"' >"$top/rootfs/etc/containers/storage.conf"
	printf '%s\n' '[containers]' 'cgroups = "disabled"' 'netns = "none"' '[engine]' \
		'events_logger = "none"' 'lock_type = "file"' 'cgroup_manager = "cgroupfs"' 'runtime = "crun"' \
		>"$top/rootfs/etc/containers/containers.conf"
	tar -C "$top" -cf "$top.tar" metadata.yaml rootfs
	incus image import -q "$top.tar" --alias nesting
}

# What the inner containers begin with: busybox, and files that a layer has to keep.
make_inner_image() {
	local top=$tmp/inner

	mkdir -p "$top"/{bin,etc,data/old,tmp}
	cp "$busybox" "$top/bin/busybox"
	ln -s busybox "$top/bin/sh"
	echo image >"$top/etc/origin"
	echo gone >"$top/data/old/1"
	echo mine >"$top/data/mine"
	chown 33:33 "$top/data/mine"
	chmod 4750 "$top/data/mine"
	tar -C "$top" -cf "$tmp/inner.tar" .
	incus --project "$domain" file push -q "$tmp/inner.tar" "$box/var/tmp/inner.tar"
}

# crun wants to see what kind of control groups there are, also where it uses none.
show_cgroups() { inside "$domain" "$box" mount -t tmpfs none /sys/fs/cgroup; }

start_box() {
	incus --project "$domain" init -q nesting "$box" -c security.nesting=true 2>/dev/null
	incus --project "$domain" config device add -q "$box" programs disk source=/usr path=/usr \
		readonly=true
	incus --project "$domain" start "$box"
	fsctl devices apply "$site/infra.yml" "$box" >/dev/null
	show_cgroups
}

podman_in() { inside "$domain" "$box" env PATH=/usr/bin:/usr/sbin:/bin podman "$@"; }

# inner IMAGE NAME SCRIPT: a new inner container, which stays.
inner() { podman_in run --name "$2" "$1" /bin/busybox sh -e -c "PATH=/bin; $3"; }

# As a script of the inner shell: busybox has every program in itself.
changes='
	for p in cat chmod ln mkdir mkfifo mv rm sha256sum stat; do busybox ln -s busybox /bin/$p; done
	cat /etc/origin
	stat -c "%u:%g %a" /data/mine
	rm -r /data/old
	mkdir /data/old
	echo 2 >/data/old/2
	mv /etc/origin /etc/moved
	echo more >>/data/mine
	ln /data/mine /data/hard
	mkfifo /data/fifo
	busybox dd if=/dev/urandom of=/data/big bs=64k count=64 2>/dev/null
	sha256sum </data/big >/data/sum
	chmod 4750 /data/mine'

# Shows what CHANGES has made, and that the data is whole.
look='
	cat /etc/moved /data/mine /data/old/2
	ls /data/old
	stat -c "%n %F %h %u:%g %a" /data/mine /data/fifo
	test ! -e /etc/origin
	test "$(cat /data/sum)" = "$(sha256sum </data/big)" && echo whole'

looked="image
mine
more
2
2
/data/mine regular file 2 33:33 4750
/data/fifo fifo 1 0:0 644
whole"

nesting_image
start_box
make_inner_image

test_podman_keeps_images_on_the_volume_by_overlay() {
	podman_in import -q /var/tmp/inner.tar inner >/dev/null
	assert_eq "$(podman_in info --format '{{.Store.GraphDriverName}}')" overlay
	inside "$domain" "$box" cat /proc/self/mountinfo >"$tmp/mounts"
	assert_file_has "$tmp/mounts" ' /var/lib/containers .*idmapped.* fuse.anklume-fs '
	[ -n "$(find "$layers/overlay" -path '*/diff/etc/origin')" ] || fail "no layer in the base"
}

test_an_inner_container_changes_its_layer() {
	assert_eq "$(inner inner first "$changes")" "image"$'\n'"33:33 4750"
	# What is gone is a device 0:0 in the base, by a process that may make no devices.
	[ -n "$(find "$layers/overlay" -path '*/diff/etc/origin' -type c)" ] || fail "no whiteout"
	[ -n "$(find "$layers/overlay" -path '*/diff/data/fifo' -type p)" ] || fail "no fifo"
}

test_its_layer_becomes_an_image() {
	podman_in commit -q first second >/dev/null 2>&1
	assert_eq "$(inner second reader "$look")" "$looked"
	podman_in rm reader >/dev/null
}

test_layers_survive_a_restart() {
	incus --project "$domain" restart -f "$box"
	show_cgroups
	assert_eq "$(inner second again "$look")" "$looked"
	podman_in rm -fa >/dev/null
	podman_in image rm -fa >/dev/null
	assert_eq "$(find "$layers/overlay" -path '*/diff/*')" ""
}

test_nothing_was_refused_and_the_daemon_lives() {
	kill -0 "$daemon_pid"
	assert_eq "$(grep -c denied "$daemon_log" || true)" 0
}

run_tests
