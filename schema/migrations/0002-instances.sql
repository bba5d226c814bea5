-- What is known of Incus' side, version 2: the devices that were put on instances, and which owner
-- instances are gone. Only anklume-fsctl reads and writes these; the daemon has no use for them.

-- One row per property of a device as it was last applied.
CREATE TABLE applied_device (
	project TEXT NOT NULL,
	instance TEXT NOT NULL,
	device TEXT NOT NULL,
	key TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (project, instance, device, key)
) STRICT, WITHOUT ROWID;

-- Owner instances that were seen to be deleted and have not come back.
CREATE TABLE gone_instance (
	project TEXT NOT NULL,
	instance TEXT NOT NULL,
	since INTEGER NOT NULL, -- seconds since the epoch
	PRIMARY KEY (project, instance)
) STRICT, WITHOUT ROWID;
