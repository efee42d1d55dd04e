-- Of every record and cell of the scope (core/src/sum.rs), modulo 2^128. NULL until it is added up: rows of before are
-- many, and that is not done here.
ALTER TABLE scope ADD COLUMN sum numeric(39) CHECK (sum >= 0);
-- Written twice a batch; half-full pages keep the old versions of a row beside it.
ALTER TABLE scope SET (fillfactor = 50);
