CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';

CREATE TABLE public._sqlx_migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);

CREATE TABLE public.audit (
    org uuid NOT NULL,
    at bigint NOT NULL,
    took_ms bigint,
    ok boolean,
    violations jsonb
);

CREATE TABLE public.balance (
    org uuid NOT NULL,
    item uuid NOT NULL,
    location uuid NOT NULL,
    lot uuid NOT NULL,
    status text NOT NULL,
    on_hand bigint NOT NULL,
    last_order bigint NOT NULL,
    count_change uuid,
    count_ts bigint,
    count_device uuid,
    count_seq bigint,
    counted bigint,
    count_error bigint,
    count_person uuid,
    count_log_seq bigint
)
WITH (fillfactor='80');

CREATE TABLE public.chain_link (
    org uuid NOT NULL,
    device uuid NOT NULL,
    seq bigint NOT NULL,
    change uuid NOT NULL,
    chain bytea NOT NULL,
    code text
);

CREATE TABLE public.change (
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
    refused_create text,
    received_at bigint NOT NULL,
    waits_for text
);

CREATE TABLE public.device (
    org uuid NOT NULL,
    device uuid NOT NULL,
    person uuid NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    may_write boolean NOT NULL,
    every_site boolean NOT NULL,
    public_key text,
    token_hash bytea NOT NULL,
    ack_seq bigint DEFAULT 0 NOT NULL,
    ack_chain bytea NOT NULL,
    forked_from uuid,
    revoked_at bigint,
    created_at bigint NOT NULL,
    returned_at bigint,
    adopted_at bigint
);

CREATE TABLE public.device_backup (
    org uuid NOT NULL,
    device uuid NOT NULL,
    ack_seq bigint NOT NULL,
    backed_up_at bigint NOT NULL
);

CREATE TABLE public.device_code (
    org uuid NOT NULL,
    code_hash bytea NOT NULL,
    name text NOT NULL,
    person uuid NOT NULL,
    sites uuid[],
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    used_at bigint
);

CREATE TABLE public.device_cursor (
    org uuid NOT NULL,
    device uuid NOT NULL,
    scope text NOT NULL,
    seq bigint NOT NULL,
    seen_at bigint NOT NULL
);

CREATE TABLE public.device_site (
    org uuid NOT NULL,
    device uuid NOT NULL,
    site uuid NOT NULL
);

CREATE TABLE public.movement (
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
    qty bigint NOT NULL,
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
    clock_error bigint DEFAULT 0 NOT NULL,
    CONSTRAINT movement_qty_check CHECK ((qty > 0))
);

CREATE VIEW public.entry AS
 SELECT movement.org,
    movement.id AS movement,
    movement.kind,
    movement.item,
    movement.lot,
    movement.from_location AS location,
    movement.from_site AS site,
    movement.from_status AS status,
    (- movement.qty) AS qty,
    movement.order_ts,
    movement.order_device,
    movement.order_seq,
    movement.from_seq AS seq
   FROM public.movement
UNION ALL
 SELECT movement.org,
    movement.id AS movement,
    movement.kind,
    movement.item,
    movement.lot,
    movement.to_location AS location,
    movement.to_site AS site,
    movement.to_status AS status,
    movement.qty,
    movement.order_ts,
    movement.order_device,
    movement.order_seq,
    movement.to_seq AS seq
   FROM public.movement;

CREATE TABLE public.head_note (
    org uuid NOT NULL,
    scope text NOT NULL,
    at bigint NOT NULL,
    head bigint NOT NULL
);

CREATE TABLE public.item_cost (
    org uuid NOT NULL,
    item uuid NOT NULL,
    average bigint NOT NULL,
    currency text NOT NULL
);

CREATE TABLE public.log (
    org uuid NOT NULL,
    scope text NOT NULL,
    seq bigint NOT NULL,
    kind text NOT NULL,
    id text NOT NULL,
    version bigint NOT NULL,
    change uuid NOT NULL,
    outcome text NOT NULL,
    body text NOT NULL
);

CREATE TABLE public.organisation (
    org uuid NOT NULL,
    name text NOT NULL,
    epoch uuid NOT NULL,
    created_at bigint NOT NULL,
    signing_key bytea,
    rights bigint DEFAULT 0 NOT NULL
);

CREATE TABLE public.posted_count (
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
    clock_error bigint DEFAULT 0 NOT NULL
);

CREATE TABLE public.record (
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
    body text NOT NULL
);

CREATE TABLE public.scope (
    org uuid NOT NULL,
    scope text NOT NULL,
    head bigint DEFAULT 0 NOT NULL,
    sum numeric(39,0),
    CONSTRAINT scope_sum_check CHECK ((sum >= (0)::numeric))
)
WITH (fillfactor='50');

CREATE TABLE public.snapshot (
    org uuid NOT NULL,
    id uuid NOT NULL,
    scope text NOT NULL,
    epoch uuid NOT NULL,
    seq bigint NOT NULL,
    format bigint NOT NULL,
    ready_at bigint,
    used_at bigint NOT NULL,
    sum numeric(39,0),
    CONSTRAINT snapshot_sum_check CHECK ((sum >= (0)::numeric))
);

CREATE TABLE public.snapshot_chunk (
    org uuid NOT NULL,
    snapshot uuid NOT NULL,
    n integer NOT NULL,
    part text NOT NULL,
    rows bigint NOT NULL,
    digest bytea NOT NULL,
    body bytea NOT NULL
);
ALTER TABLE ONLY public.snapshot_chunk ALTER COLUMN body SET STORAGE EXTERNAL;

ALTER TABLE ONLY public._sqlx_migrations
    ADD CONSTRAINT _sqlx_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (org, at);

ALTER TABLE ONLY public.balance
    ADD CONSTRAINT balance_pkey PRIMARY KEY (org, item, location, lot, status);

ALTER TABLE ONLY public.chain_link
    ADD CONSTRAINT chain_link_pkey PRIMARY KEY (org, device, seq);

ALTER TABLE ONLY public.change
    ADD CONSTRAINT change_pkey PRIMARY KEY (org, id);

ALTER TABLE ONLY public.device_backup
    ADD CONSTRAINT device_backup_pkey PRIMARY KEY (org, device);

ALTER TABLE ONLY public.device_code
    ADD CONSTRAINT device_code_pkey PRIMARY KEY (org, code_hash);

ALTER TABLE ONLY public.device_cursor
    ADD CONSTRAINT device_cursor_pkey PRIMARY KEY (org, device, scope);

ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_pkey PRIMARY KEY (org, device);

ALTER TABLE ONLY public.device_site
    ADD CONSTRAINT device_site_pkey PRIMARY KEY (org, device, site);

ALTER TABLE ONLY public.head_note
    ADD CONSTRAINT head_note_pkey PRIMARY KEY (org, scope, at);

ALTER TABLE ONLY public.item_cost
    ADD CONSTRAINT item_cost_pkey PRIMARY KEY (org, item);

ALTER TABLE ONLY public.log
    ADD CONSTRAINT log_pkey PRIMARY KEY (org, scope, seq);

ALTER TABLE ONLY public.movement
    ADD CONSTRAINT movement_pkey PRIMARY KEY (org, id);

ALTER TABLE ONLY public.organisation
    ADD CONSTRAINT organisation_pkey PRIMARY KEY (org);

ALTER TABLE ONLY public.posted_count
    ADD CONSTRAINT posted_count_pkey PRIMARY KEY (org, change);

ALTER TABLE ONLY public.record
    ADD CONSTRAINT record_pkey PRIMARY KEY (org, kind, id);

ALTER TABLE ONLY public.scope
    ADD CONSTRAINT scope_pkey PRIMARY KEY (org, scope);

ALTER TABLE ONLY public.snapshot_chunk
    ADD CONSTRAINT snapshot_chunk_pkey PRIMARY KEY (org, snapshot, n);

ALTER TABLE ONLY public.snapshot
    ADD CONSTRAINT snapshot_pkey PRIMARY KEY (org, id);

CREATE INDEX balance_location ON public.balance USING btree (org, location, item);

CREATE INDEX balance_lot ON public.balance USING btree (org, lot) WHERE (lot <> '00000000-0000-0000-0000-000000000000'::uuid);

CREATE INDEX change_parked ON public.change USING btree (org, received_at) WHERE (outcome = 'PARKED'::text);

CREATE INDEX change_refused_create ON public.change USING btree (org, refused_create) WHERE (refused_create IS NOT NULL);

CREATE INDEX change_waits ON public.change USING btree (org, waits_for) WHERE (waits_for IS NOT NULL);

CREATE UNIQUE INDEX device_token ON public.device USING btree (token_hash);

CREATE INDEX movement_at ON public.movement USING btree (org, at, id);

CREATE INDEX movement_from ON public.movement USING btree (org, item, from_location, order_ts) WHERE (from_site IS NOT NULL);

CREATE INDEX movement_item ON public.movement USING btree (org, item, at DESC, id);

CREATE UNIQUE INDEX movement_reverses ON public.movement USING btree (org, reverses) WHERE (reverses IS NOT NULL);

CREATE INDEX movement_to ON public.movement USING btree (org, item, to_location, order_ts) WHERE (to_site IS NOT NULL);

CREATE UNIQUE INDEX record_key ON public.record USING btree (org, kind, key) WHERE (key IS NOT NULL);

CREATE INDEX record_key_order ON public.record USING btree (org, kind, COALESCE(key, ''::text), id);

CREATE INDEX record_name ON public.record USING btree (org, kind, lower(name), id);

CREATE INDEX record_parent ON public.record USING btree (org, kind, parent) WHERE (parent IS NOT NULL);

CREATE INDEX record_search ON public.record USING gin (search public.gin_trgm_ops) WITH (fastupdate=off) WHERE (kind = 'item'::text);

CREATE INDEX snapshot_scope ON public.snapshot USING btree (org, scope, seq);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_org_fkey FOREIGN KEY (org) REFERENCES public.organisation(org);

ALTER TABLE ONLY public.device_code
    ADD CONSTRAINT device_code_org_fkey FOREIGN KEY (org) REFERENCES public.organisation(org);

ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_org_fkey FOREIGN KEY (org) REFERENCES public.organisation(org);

ALTER TABLE ONLY public.scope
    ADD CONSTRAINT scope_org_fkey FOREIGN KEY (org) REFERENCES public.organisation(org);
