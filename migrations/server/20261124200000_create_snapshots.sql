-- One scope at one number, packed for devices that begin. Made when one is asked for, deleted when nobody has asked for a
-- day; backups leave the rows out.
CREATE TABLE snapshot (
  org uuid NOT NULL,
  id uuid NOT NULL,
  scope text NOT NULL,
  epoch uuid NOT NULL,
  seq bigint NOT NULL,
  format bigint NOT NULL,
  -- Null until every chunk is there.
  ready_at bigint,
  used_at bigint NOT NULL,
  PRIMARY KEY (org, id)
);
CREATE INDEX snapshot_scope ON snapshot (org, scope, seq);

CREATE TABLE snapshot_chunk (
  org uuid NOT NULL,
  snapshot uuid NOT NULL,
  n integer NOT NULL,
  part text NOT NULL,
  rows bigint NOT NULL,
  digest bytea NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (org, snapshot, n)
);
-- It is packed already.
ALTER TABLE snapshot_chunk ALTER COLUMN body SET STORAGE EXTERNAL;
