-- After a restore, what is parked is decided again with each batch that may bring what it waits for.
CREATE INDEX change_parked ON change (org, received_at) WHERE outcome = 'PARKED';
