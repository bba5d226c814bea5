#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# kills.sh KIND [HOLDER]: sixty deaths at random moments under load; HOLDER: the share of them at
# which its holder dies too, a moment before.

# shellcheck source=tests/crash/lib.sh
. "$(dirname "$0")/lib.sh"
need fsctl fio python3
idmapped=${IDMAPPED:-$build/tests/crash/idmapped}
seed=${SEED:-$RANDOM}
note "seed: $seed (SEED=$seed chooses the same again)"

# S1-1 S2-14 DC-2
make_disk ext4
before=$(used_inodes)
# In steps and under load it takes a while; a slow build kills less often.
kills=${KILLS:-$((60 * ${ANKLUME_SOAK:-1}))}
[ "${ANKLUME_JOB:-gcc}" = gcc ] || kills=20
run_python kills.py "$ANKLUME_FS" "$ANKLUME_FSCTL" "$idmapped" "$tmp" --base "$disk/base" \
	--kind "$1" --holder "${2:-0}" --kills "$kills" --seed "$seed" --report "${REPORT:-}"
check "nothing pins an inode of the base" nothing_is_pinned "$before"
finish_tests
