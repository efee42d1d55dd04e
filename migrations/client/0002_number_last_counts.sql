-- The number of the latest count in the log of its site: what is done knowing it comes after it.
ALTER TABLE balance ADD COLUMN count_log_seq INTEGER;
