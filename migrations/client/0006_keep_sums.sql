-- Of every base record and cell of the scope (core/src/sum.rs), 16 bytes; NULL until it is added up from the rows.
ALTER TABLE cursor ADD COLUMN sum BLOB;

-- Scopes whose sum was not the server's. `found` waits to be built anew, `rebuilt` was, `standing` differs again although
-- it was built anew within a day.
CREATE TABLE mismatch (
  scope TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('found', 'rebuilt', 'standing')),
  seq INTEGER NOT NULL,
  mine TEXT NOT NULL,
  theirs TEXT NOT NULL,
  -- When it was last built anew, in microseconds since 1970 by the server's clock.
  at INTEGER,
  -- Whether the server has been told.
  told INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Of the scope at the number of its snapshot, as the manifest said; what is loaded must come to it.
ALTER TABLE snapshot_chunk ADD COLUMN sum TEXT;
-- What came of this chunk; NULL until it is loaded.
ALTER TABLE snapshot_chunk ADD COLUMN mine TEXT;
