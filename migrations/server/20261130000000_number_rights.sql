-- Counts up when what devices may hold changes, so that whoever tells them something sees that with one row.
ALTER TABLE organisation ADD COLUMN rights bigint NOT NULL DEFAULT 0;
