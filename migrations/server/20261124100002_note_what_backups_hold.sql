-- How far each device's chain is held in a backup that was written whole and read back.
CREATE TABLE device_backup (
  org uuid NOT NULL,
  device uuid NOT NULL,
  ack_seq bigint NOT NULL,
  backed_up_at bigint NOT NULL,
  PRIMARY KEY (org, device)
);
