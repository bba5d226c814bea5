-- The catalogue, version 1. Run inside one transaction that also sets user_version.
--
-- Row ids are AUTOINCREMENT because the daemon derives inode numbers from them: an id that once
-- named a volume never names another one. 'anklume-fsctl apply' deletes no row.

PRAGMA application_id = 1634626412; -- "ankl"

CREATE TABLE state (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	generation INTEGER NOT NULL CHECK (generation >= 0)
) STRICT;

INSERT INTO state (id, generation) VALUES (1, 0);

CREATE TABLE domain (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL UNIQUE,
	is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
	orphan_since INTEGER NOT NULL DEFAULT 0 -- seconds since the epoch, 0 = in the spec
) STRICT;

-- project and instance are what the spec says; owner_* are what an administrator set over it.
CREATE TABLE machine (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	domain INTEGER NOT NULL REFERENCES domain (id),
	name TEXT NOT NULL,
	project TEXT NOT NULL,
	instance TEXT NOT NULL,
	owner_project TEXT,
	owner_instance TEXT,
	is_vm INTEGER NOT NULL CHECK (is_vm IN (0, 1)),
	is_ephemeral INTEGER NOT NULL CHECK (is_ephemeral IN (0, 1)),
	orphan_since INTEGER NOT NULL DEFAULT 0,
	UNIQUE (domain, name),
	CHECK ((owner_project IS NULL) = (owner_instance IS NULL))
) STRICT;

-- uid, gid, is_readonly and is_protected are what the spec says; owner_* and *_override are what
-- an administrator set over it (0 = follow the spec, 1 = on, 2 = off). generation is the number
-- of the last change to this record, its machine, its domain or its holds.
CREATE TABLE volume (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	machine INTEGER NOT NULL REFERENCES machine (id),
	name TEXT NOT NULL,
	path TEXT NOT NULL,
	class TEXT,
	description TEXT,
	size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
	uid INTEGER NOT NULL CHECK (uid BETWEEN 0 AND 4294967294),
	gid INTEGER NOT NULL CHECK (gid BETWEEN 0 AND 4294967294),
	owner_uid INTEGER CHECK (owner_uid BETWEEN 0 AND 4294967294),
	owner_gid INTEGER CHECK (owner_gid BETWEEN 0 AND 4294967294),
	mode INTEGER NOT NULL CHECK (mode BETWEEN 0 AND 4095),
	is_readonly INTEGER NOT NULL CHECK (is_readonly IN (0, 1)),
	is_protected INTEGER NOT NULL CHECK (is_protected IN (0, 1)),
	readonly_override INTEGER NOT NULL DEFAULT 0 CHECK (readonly_override IN (0, 1, 2)),
	protected_override INTEGER NOT NULL DEFAULT 0 CHECK (protected_override IN (0, 1, 2)),
	orphan_since INTEGER NOT NULL DEFAULT 0,
	generation INTEGER NOT NULL,
	UNIQUE (machine, name),
	CHECK ((owner_uid IS NULL) = (owner_gid IS NULL))
) STRICT;

CREATE TABLE hold (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	volume INTEGER NOT NULL REFERENCES volume (id),
	tag TEXT NOT NULL,
	reason TEXT NOT NULL,
	actor TEXT NOT NULL,
	since INTEGER NOT NULL,
	until INTEGER NOT NULL, -- 0 = until released
	UNIQUE (volume, tag)
) STRICT;

CREATE TABLE audit (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	time INTEGER NOT NULL,
	generation INTEGER NOT NULL,
	actor TEXT NOT NULL,
	command TEXT NOT NULL,
	action TEXT NOT NULL,
	object TEXT NOT NULL,
	detail TEXT
) STRICT;

CREATE INDEX audit_object ON audit (object, id);
