-- The order a change had in a history that the server lost: it is sent along when the change is offered again.
ALTER TABLE outbox ADD COLUMN order_ts INTEGER;

CREATE INDEX outbox_parked ON outbox (change) WHERE outcome = 'PARKED';
