#!/usr/bin/env bash
. "$(dirname "$0")/lib.sh"
need incus
new_site m
python3 - "$site/infra.yml" "$ANKLUME_MOUNT" <<'P'
import sys
doms=[]
for d in range(100):
    n=f"student-{d:02d}"
    doms.append(f"  {n}:\n    subnet_id: {d}\n    machines:\n"+"".join(f"      {n}-{m}:\n        persistent_data:\n          db: {{path: /data/db}}\n          www: {{path: /var/www, readonly: true}}\n" for m in ("dev","web")))
open(sys.argv[1],"w").write(f"project_name: t\nglobal: {{base_subnet: '10.100', persistent_data_base: {sys.argv[2]}}}\ndomains:\n"+"".join(doms))
P
ANKLUME_MOUNT_SAVE=$ANKLUME_MOUNT
fsctl apply -q "$site/infra.yml" >/dev/null
start_daemon
start_incus
for d in $(seq -w 0 99); do
  new_project "student-$d"
  for m in dev web; do incus --project "student-$d" init -q busybox "student-$d-$m"; done
done
fsctl devices apply "$site/infra.yml" | tail -2
for i in 1 2 3 4 5; do fsctl devices diff "$site/infra.yml" | tail -1; done
echo DONE
