CREATE TABLE device (
  org uuid NOT NULL REFERENCES organisation,
  device uuid NOT NULL,
  person uuid NOT NULL,
  name text NOT NULL,
  -- desktop, or an API principal, which has no chain
  kind text NOT NULL,
  may_write boolean NOT NULL,
  -- Whether it may hold every site, or only those in `device_site`.
  every_site boolean NOT NULL,
  public_key text,
  -- BLAKE3 of the bearer token; the token itself is nowhere.
  token_hash bytea NOT NULL,
  ack_seq bigint NOT NULL DEFAULT 0,
  ack_chain bytea NOT NULL,
  forked_from uuid,
  revoked_at bigint,
  created_at bigint NOT NULL,
  PRIMARY KEY (org, device)
);
CREATE UNIQUE INDEX device_token ON device (token_hash);

-- The sites a device may hold, unless it may hold every one.
CREATE TABLE device_site (
  org uuid NOT NULL,
  device uuid NOT NULL,
  site uuid NOT NULL,
  PRIMARY KEY (org, device, site)
);

-- Apart from `device`, so that a pull never waits for a push.
CREATE TABLE device_cursor (
  org uuid NOT NULL,
  device uuid NOT NULL,
  scope text NOT NULL,
  seq bigint NOT NULL,
  seen_at bigint NOT NULL,
  PRIMARY KEY (org, device, scope)
);

-- A one-time code with which a desktop joins.
CREATE TABLE device_code (
  org uuid NOT NULL REFERENCES organisation,
  code_hash bytea NOT NULL,
  name text NOT NULL,
  person uuid NOT NULL,
  -- Null for every site.
  sites uuid[],
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  used_at bigint,
  PRIMARY KEY (org, code_hash)
);

-- Every change with its one end. The id is the idempotency key.
CREATE TABLE change (
  org uuid NOT NULL,
  id uuid NOT NULL,
  device uuid NOT NULL,
  seq bigint NOT NULL,
  kind text NOT NULL,
  version bigint NOT NULL,
  hash bytea NOT NULL,
  body text NOT NULL,
  outcome text NOT NULL,
  code text,
  details text NOT NULL,
  -- The record a create would have made, when the create was refused.
  refused_create text,
  received_at bigint NOT NULL,
  PRIMARY KEY (org, id)
);
CREATE INDEX change_refused_create ON change (org, refused_create) WHERE refused_create IS NOT NULL;

-- The chain of each device, link by link. A forked device repeats changes under new numbers.
-- `code` is set where this link has an end of its own: the id was another change's.
CREATE TABLE chain_link (
  org uuid NOT NULL,
  device uuid NOT NULL,
  seq bigint NOT NULL,
  change uuid NOT NULL,
  chain bytea NOT NULL,
  code text,
  PRIMARY KEY (org, device, seq)
);
