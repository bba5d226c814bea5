#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# kills.sh KIND [HOLDER [FSTYPE]]: sixty deaths at random moments under load; HOLDER: the share of them
# at which its holder dies too, a moment before; FSTYPE: of the base, ext4. LOAD=all: with PostgreSQL
# and difftest on top.

# shellcheck source=tests/crash/lib.sh
. "$(dirname "$0")/lib.sh"
need fsctl fio python3
more=()
if [ "$1" = containers ]; then
	# shellcheck source=tests/incus/lib.sh
	. "$tests_dir/incus/lib.sh"
	need_incus
	start_incus
	domain=$(unique_domain kills)
	new_project "$domain"
	more+=(--project "$domain")
fi
idmapped=${IDMAPPED:-$build/tests/crash/idmapped}
seed=${SEED:-$RANDOM}
note "seed: $seed (SEED=$seed chooses the same again)"

# S1-1 S2-14 DC-2
make_disk "${3:-ext4}"
before=$(used_inodes)
# In steps and under load it takes a while; a slow build kills less often.
kills=${KILLS:-$((60 * ${ANKLUME_SOAK:-1}))}
[ "${ANKLUME_JOB:-gcc}" = gcc ] || kills=20
if [ "${LOAD:-}" = all ]; then
	need postgresql
	more+=(--postgresql "$pg_bin")
	[ "$1" = idmapped ] || more+=(--difftest "$build/tests/diff/difftest")
fi
run_python kills.py "$ANKLUME_FS" "$ANKLUME_FSCTL" "$idmapped" "$tmp" --base "$disk/base" \
	--kind "$1" --holder "${2:-0}" --kills "$kills" --seed "$seed" --report "${REPORT:-}" \
	"${more[@]}"
check "nothing pins an inode of the base" nothing_is_pinned "$before"
finish_tests
