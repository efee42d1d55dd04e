-- Finding items by any part of what they are called. Where the extension is missing, the search
-- reads every item instead. Without a pending list, or searches slow down while items arrive.
DO $$
BEGIN
  IF EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm') THEN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX record_search ON record USING gin (search gin_trgm_ops) WITH (fastupdate = off) WHERE kind = 'item';
  END IF;
END
$$;

-- Lists by code and the ledger by time, page by page.
CREATE INDEX record_key_order ON record (org, kind, coalesce(key, ''), id);
CREATE INDEX movement_at ON movement (org, at, id);
