CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE cursor (scope TEXT PRIMARY KEY, seq INTEGER NOT NULL, sum BLOB) STRICT, WITHOUT ROWID;

CREATE TABLE record (
  kind TEXT NOT NULL,
  id BLOB NOT NULL,
  version INTEGER NOT NULL,
  archived INTEGER NOT NULL,
  key TEXT,
  name TEXT NOT NULL,
  parent BLOB,
  body TEXT NOT NULL,
  -- The id first: with the kind first, every condition on a kind looks like a good prefix.
  PRIMARY KEY (id, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX record_key ON record (kind, key) WHERE key IS NOT NULL;

CREATE INDEX record_keyless ON record (kind, archived, id) WHERE key IS NULL;

CREATE INDEX record_name ON record (kind, name COLLATE NOCASE, id);

CREATE INDEX record_parent ON record (kind, parent) WHERE parent IS NOT NULL;

CREATE TABLE pending_record (
  n INTEGER NOT NULL,
  kind TEXT NOT NULL,
  id BLOB NOT NULL,
  archived INTEGER NOT NULL,
  key TEXT,
  name TEXT NOT NULL,
  parent BLOB,
  body TEXT NOT NULL,
  PRIMARY KEY (id, kind, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX pending_record_n ON pending_record (n);

CREATE INDEX pending_record_key ON pending_record (kind, key) WHERE key IS NOT NULL;

CREATE INDEX pending_record_name ON pending_record (kind, name COLLATE NOCASE, id);

CREATE INDEX pending_record_parent ON pending_record (kind, parent) WHERE parent IS NOT NULL;

CREATE VIEW record_now AS
  SELECT kind, id, version, archived, key, name, parent, body, CAST(0 AS INTEGER) AS pending FROM record r
  WHERE NOT EXISTS (SELECT 1 FROM pending_record p WHERE p.kind = r.kind AND p.id = r.id)
  UNION ALL
  SELECT p.kind, p.id,
         CAST(coalesce((SELECT version FROM record r WHERE r.kind = p.kind AND r.id = p.id), 9223372036854775807) AS INTEGER),
         p.archived, p.key, p.name, p.parent, p.body, CAST(1 AS INTEGER)
  FROM pending_record p
  WHERE NOT EXISTS (SELECT 1 FROM pending_record q WHERE q.kind = p.kind AND q.id = p.id AND q.n > p.n);

CREATE TABLE movement (
  id BLOB PRIMARY KEY,
  n INTEGER,
  change BLOB NOT NULL,
  kind TEXT NOT NULL,
  item BLOB NOT NULL,
  lot BLOB,
  from_location BLOB NOT NULL,
  from_site BLOB,
  from_status TEXT NOT NULL,
  from_seq INTEGER,
  to_location BLOB NOT NULL,
  to_site BLOB,
  to_status TEXT NOT NULL,
  to_seq INTEGER,
  qty INTEGER NOT NULL CHECK (qty > 0),
  order_ts INTEGER NOT NULL,
  order_device BLOB NOT NULL,
  order_seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  reference TEXT,
  reverses BLOB,
  -- The whole movement as it travels; the columns above are for finding and summing.
  body TEXT NOT NULL
, person BLOB, beyond TEXT) STRICT, WITHOUT ROWID;

CREATE INDEX movement_item ON movement (item, at DESC);

CREATE INDEX movement_from ON movement (item, from_location, order_ts) WHERE from_site IS NOT NULL;

CREATE INDEX movement_to ON movement (item, to_location, order_ts) WHERE to_site IS NOT NULL;

CREATE INDEX movement_pending ON movement (n) WHERE n IS NOT NULL;

CREATE INDEX movement_reverses ON movement (reverses) WHERE reverses IS NOT NULL;

CREATE INDEX movement_reference ON movement (reference) WHERE reference IS NOT NULL;

CREATE VIEW entry AS
  SELECT id AS movement, n, kind, item, lot, from_location AS location, from_site AS site, from_status AS status,
         -qty AS qty, order_ts, order_device, order_seq, from_seq AS seq
  FROM movement WHERE from_site IS NOT NULL
  UNION ALL
  SELECT id, n, kind, item, lot, to_location, to_site, to_status, qty, order_ts, order_device, order_seq, to_seq
  FROM movement WHERE to_site IS NOT NULL;

CREATE TABLE balance (
  item BLOB NOT NULL,
  location BLOB NOT NULL,
  lot BLOB NOT NULL DEFAULT x'',
  status TEXT NOT NULL,
  on_hand INTEGER NOT NULL,
  last_order INTEGER NOT NULL,
  count_change BLOB,
  count_ts INTEGER,
  count_device BLOB,
  count_seq INTEGER,
  counted INTEGER, count_log_seq INTEGER,
  PRIMARY KEY (item, location, lot, status)
) STRICT, WITHOUT ROWID;

CREATE INDEX balance_location ON balance (location);

CREATE INDEX balance_lot ON balance (lot) WHERE lot <> x'';

CREATE TABLE pending_balance (
  n INTEGER NOT NULL,
  item BLOB NOT NULL,
  location BLOB NOT NULL,
  lot BLOB NOT NULL DEFAULT x'',
  status TEXT NOT NULL,
  delta INTEGER NOT NULL,
  last_order INTEGER NOT NULL,
  count_change BLOB,
  count_ts INTEGER,
  count_device BLOB,
  count_seq INTEGER,
  counted INTEGER,
  PRIMARY KEY (item, location, lot, status, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX pending_balance_n ON pending_balance (n);

CREATE INDEX pending_balance_count ON pending_balance (item, location) WHERE count_ts IS NOT NULL;

CREATE INDEX pending_balance_location ON pending_balance (location);

CREATE INDEX pending_balance_lot ON pending_balance (lot) WHERE lot <> x'';

CREATE VIEW balance_now AS
  SELECT item, location, lot, status,
         CAST(on_hand + coalesce((SELECT sum(delta) FROM pending_balance p WHERE p.item = b.item
           AND p.location = b.location AND p.lot = b.lot AND p.status = b.status), 0) AS INTEGER) AS on_hand,
         CAST(EXISTS (SELECT 1 FROM pending_balance p WHERE p.item = b.item
           AND p.location = b.location AND p.lot = b.lot AND p.status = b.status) AS INTEGER) AS pending,
         CAST(nullif(max(coalesce(count_ts, 0), coalesce((SELECT max(count_ts) FROM pending_balance p
           WHERE p.item = b.item AND p.location = b.location AND p.lot = b.lot AND p.status = b.status), 0)), 0)
           AS INTEGER) AS count_ts
  FROM balance b
  UNION ALL
  SELECT item, location, lot, status,
         CAST((SELECT sum(delta) FROM pending_balance p WHERE p.item = b.item
           AND p.location = b.location AND p.lot = b.lot AND p.status = b.status) AS INTEGER),
         CAST(1 AS INTEGER),
         CAST((SELECT max(count_ts) FROM pending_balance p WHERE p.item = b.item
           AND p.location = b.location AND p.lot = b.lot AND p.status = b.status) AS INTEGER)
  FROM pending_balance b
  WHERE NOT EXISTS (SELECT 1 FROM pending_balance p WHERE p.item = b.item
           AND p.location = b.location AND p.lot = b.lot AND p.status = b.status AND p.n < b.n)
    AND NOT EXISTS (SELECT 1 FROM balance p WHERE p.item = b.item
           AND p.location = b.location AND p.lot = b.lot AND p.status = b.status);

CREATE TABLE posted_count (
  change BLOB PRIMARY KEY,
  n INTEGER,
  item BLOB NOT NULL,
  location BLOB NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX posted_count_pending ON posted_count (n) WHERE n IS NOT NULL;

CREATE TABLE outbox (
  n INTEGER PRIMARY KEY,
  change BLOB NOT NULL UNIQUE,
  state TEXT NOT NULL CHECK (state IN ('queued', 'sealed', 'settled', 'rejected')),
  -- Given when sealed: under which id of this device, its dense order and its chain.
  device BLOB,
  seq INTEGER,
  chain BLOB,
  kind TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  at INTEGER NOT NULL,
  -- The server's word; its effects, if any, are in the base as soon as it is set.
  outcome TEXT,
  -- Why it was rejected; while there is no outcome, why it is forecast to be.
  code TEXT,
  details TEXT
, order_ts INTEGER) STRICT;

CREATE INDEX outbox_pending ON outbox (n) WHERE state IN ('queued', 'sealed');

CREATE UNIQUE INDEX outbox_chain ON outbox (device, seq) WHERE seq IS NOT NULL;

CREATE TABLE pending_need (
  -- 'r' + prefixed id of a record, 'k' + kind/key, 'c' + item and location
  row BLOB NOT NULL,
  n INTEGER NOT NULL,
  -- Whether the change may also write the row.
  writes INTEGER NOT NULL,
  PRIMARY KEY (row, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX pending_need_n ON pending_need (n);

CREATE TABLE outcome (change BLOB PRIMARY KEY, outcome TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE unknown_entry (
  scope TEXT NOT NULL,
  seq INTEGER NOT NULL,
  entry TEXT NOT NULL,
  PRIMARY KEY (scope, seq)
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE item_search USING fts5 (item UNINDEXED, text, tokenize = 'trigram', detail = full);

CREATE TABLE item_search_row (item BLOB PRIMARY KEY, row INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE INDEX outbox_queued ON outbox (n) WHERE state = 'queued';

CREATE INDEX outbox_parked ON outbox (change) WHERE outcome = 'PARKED';

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
, sum TEXT, mine TEXT) STRICT;

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

CREATE TABLE absent_place (location BLOB PRIMARY KEY, site TEXT NOT NULL) STRICT, WITHOUT ROWID;
