-- When an admin agreed that a device which came back by its certificate may stay as it is.
ALTER TABLE device ADD COLUMN adopted_at bigint;
