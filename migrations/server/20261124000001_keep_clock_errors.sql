-- How far off the clock of a movement or a count may have been, in microseconds: a count and a movement that no clock
-- can tell apart are asked about.
ALTER TABLE movement ADD COLUMN clock_error bigint NOT NULL DEFAULT 0;
ALTER TABLE posted_count ADD COLUMN clock_error bigint NOT NULL DEFAULT 0;

-- Of the latest count: its clock, who counted, and its number in the log of its site, by which a device that counted or
-- moved later is seen to have known it.
ALTER TABLE balance ADD COLUMN count_error bigint, ADD COLUMN count_person uuid, ADD COLUMN count_log_seq bigint;
UPDATE balance b SET count_person = p.person, count_log_seq = l.seq
FROM posted_count p JOIN log l ON l.org = p.org AND l.change = p.change AND l.kind = 'count'
WHERE p.org = b.org AND p.change = b.count_change;
