-- What the daily audit of a running server found.
CREATE TABLE audit (
  org uuid NOT NULL REFERENCES organisation (org),
  -- When it began, in microseconds since 1970. What follows is there when it has ended.
  at bigint NOT NULL,
  took_ms bigint,
  ok boolean,
  -- As `verify` prints them.
  violations jsonb,
  PRIMARY KEY (org, at)
);

-- Every scope's head once a day: what it was 30 days ago says which log rows are that old.
CREATE TABLE head_note (
  org uuid NOT NULL,
  scope text NOT NULL,
  at bigint NOT NULL,
  head bigint NOT NULL,
  PRIMARY KEY (org, scope, at)
);
