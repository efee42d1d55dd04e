-- The organisation leads every key: it is the tenant boundary and the distribution key.

CREATE TABLE organisation (
  org uuid PRIMARY KEY,
  name text NOT NULL,
  epoch uuid NOT NULL,
  created_at bigint NOT NULL
);

-- A stream of records with a gapless head, bumped last in the transaction that fills it.
CREATE TABLE scope (
  org uuid NOT NULL REFERENCES organisation,
  scope text NOT NULL,
  head bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (org, scope)
);

-- Every numbered row of every scope; what devices pull. The body is sent byte for byte.
CREATE TABLE log (
  org uuid NOT NULL,
  scope text NOT NULL,
  seq bigint NOT NULL,
  kind text NOT NULL,
  id text NOT NULL,
  version bigint NOT NULL,
  change uuid NOT NULL,
  outcome text NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (org, scope, seq)
);

-- Class B and D records as they stand. `fields` is the body that travels; `key`, `name`, `parent`
-- and `search` are read from it for constraints, sorting and finding.
CREATE TABLE record (
  org uuid NOT NULL,
  kind text NOT NULL,
  id uuid NOT NULL,
  scope text NOT NULL,
  version bigint NOT NULL,
  archived boolean NOT NULL,
  key text,
  name text NOT NULL,
  parent uuid,
  search text NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (org, kind, id)
);
CREATE UNIQUE INDEX record_key ON record (org, kind, key) WHERE key IS NOT NULL;
CREATE INDEX record_name ON record (org, kind, lower(name), id);
CREATE INDEX record_parent ON record (org, kind, parent) WHERE parent IS NOT NULL;

-- The truth. Immutable; two entries a movement, -qty at `from` and +qty at `to`.
CREATE TABLE movement (
  org uuid NOT NULL,
  id uuid NOT NULL,
  change uuid NOT NULL,
  kind text NOT NULL,
  item uuid NOT NULL,
  lot uuid,
  from_location uuid NOT NULL,
  from_site uuid,
  from_status text NOT NULL,
  from_seq bigint,
  to_location uuid NOT NULL,
  to_site uuid,
  to_status text NOT NULL,
  to_seq bigint,
  qty bigint NOT NULL CHECK (qty > 0),
  order_ts bigint NOT NULL,
  order_device uuid NOT NULL,
  order_seq bigint NOT NULL,
  at bigint NOT NULL,
  recorded_at bigint NOT NULL,
  person uuid,
  reason uuid,
  note text,
  reference text,
  entered text,
  cost_minor bigint,
  cost_currency text,
  supplier uuid,
  reverses uuid,
  count uuid,
  PRIMARY KEY (org, id)
);
CREATE INDEX movement_item ON movement (org, item, at DESC, id);
CREATE INDEX movement_from ON movement (org, item, from_location, order_ts) WHERE from_site IS NOT NULL;
CREATE INDEX movement_to ON movement (org, item, to_location, order_ts) WHERE to_site IS NOT NULL;
CREATE UNIQUE INDEX movement_reverses ON movement (org, reverses) WHERE reverses IS NOT NULL;

-- The signed ledger lines of every movement.
CREATE VIEW entry AS
  SELECT org, id AS movement, kind, item, lot, from_location AS location, from_site AS site, from_status AS status,
         -qty AS qty, order_ts, order_device, order_seq, from_seq AS seq
  FROM movement
  UNION ALL
  SELECT org, id, kind, item, lot, to_location, to_site, to_status, qty, order_ts, order_device, order_seq, to_seq
  FROM movement;

-- The cached sum of a cell's entries, and the latest count of it. Real places only.
CREATE TABLE balance (
  org uuid NOT NULL,
  item uuid NOT NULL,
  location uuid NOT NULL,
  -- The nil uuid where there is no lot: a key may hold no null.
  lot uuid NOT NULL,
  status text NOT NULL,
  on_hand bigint NOT NULL,
  last_order bigint NOT NULL,
  count_change uuid,
  count_ts bigint,
  count_device uuid,
  count_seq bigint,
  counted bigint,
  PRIMARY KEY (org, item, location, lot, status)
) WITH (fillfactor = 80);
CREATE INDEX balance_location ON balance (org, location, item);
CREATE INDEX balance_lot ON balance (org, lot) WHERE lot <> '00000000-0000-0000-0000-000000000000';

-- Every posted count, also those that agreed.
CREATE TABLE posted_count (
  org uuid NOT NULL,
  change uuid NOT NULL,
  item uuid NOT NULL,
  location uuid NOT NULL,
  site uuid NOT NULL,
  lot uuid,
  status text NOT NULL,
  counted bigint NOT NULL,
  order_ts bigint NOT NULL,
  order_device uuid NOT NULL,
  order_seq bigint NOT NULL,
  at bigint NOT NULL,
  person uuid,
  PRIMARY KEY (org, change)
);

-- The moving average cost of an item, carried forward by costed receipts.
CREATE TABLE item_cost (
  org uuid NOT NULL,
  item uuid NOT NULL,
  -- Millionths of the currency's minor unit per base unit.
  average bigint NOT NULL,
  currency text NOT NULL,
  PRIMARY KEY (org, item)
);
