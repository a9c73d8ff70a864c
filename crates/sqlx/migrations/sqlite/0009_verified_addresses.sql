-- Each with a value that nothing has set: an earlier version writes accounts without these columns.
ALTER TABLE users ADD COLUMN email_verified_at TEXT;
ALTER TABLE users ADD COLUMN display_name TEXT;
ALTER TABLE users ADD COLUMN must_change_password BOOLEAN NOT NULL DEFAULT FALSE;
-- The address that a token confirms.
ALTER TABLE one_time_tokens ADD COLUMN email TEXT;
