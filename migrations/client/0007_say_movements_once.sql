-- What the columns say of a movement its body does not say again: it is '{}' when it can be written again from them, and
-- the whole movement as it came when it cannot, as in every row from before.
ALTER TABLE movement ADD COLUMN person BLOB;
-- What no other column holds, as JSON; NULL for most.
ALTER TABLE movement ADD COLUMN beyond TEXT;
