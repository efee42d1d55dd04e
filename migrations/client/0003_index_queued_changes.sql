-- The next changes to seal, without a walk over those that were sent and wait for their end.
CREATE INDEX outbox_queued ON outbox (n) WHERE state = 'queued';
