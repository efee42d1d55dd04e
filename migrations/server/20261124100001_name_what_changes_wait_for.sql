-- What a parked change waits for, by its prefixed id; empty when it is to be decided again. A push then looks only at
-- what it may have set free, however much waits.
ALTER TABLE change ADD COLUMN waits_for text;
UPDATE change SET waits_for = ''
WHERE outcome = 'PARKED' AND code IN ('NOT_FOUND', 'MOVEMENT_NOT_FOUND', 'DEPENDS_ON_REJECTED');
CREATE INDEX change_waits ON change (org, waits_for) WHERE waits_for IS NOT NULL;
