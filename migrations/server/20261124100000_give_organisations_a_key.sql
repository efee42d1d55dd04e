-- The seed of the Ed25519 key with which an organisation signs the certificates of its devices; made at the first start.
-- Whoever holds a backup holds it.
ALTER TABLE organisation ADD COLUMN signing_key bytea;
-- When a device came back by its certificate, to a server that had been restored from before it joined.
ALTER TABLE device ADD COLUMN returned_at bigint;
