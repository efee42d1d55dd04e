-- Of the scope at that number, as scope.sum was; NULL when none was kept.
ALTER TABLE snapshot ADD COLUMN sum numeric(39) CHECK (sum >= 0);
