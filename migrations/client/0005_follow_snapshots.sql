-- Chunks of snapshots that this device loads, in the order of `place`; none when nothing is under way. The cursor of a
-- scope is set to `seq` with the last chunk that is not history; of history only rows up to `seq` are taken.
CREATE TABLE snapshot_chunk (
  place INTEGER PRIMARY KEY,
  scope TEXT NOT NULL,
  seq INTEGER NOT NULL,
  history INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  -- As the manifest names it, as JSON.
  name TEXT NOT NULL,
  loaded INTEGER NOT NULL DEFAULT 0
) STRICT;
