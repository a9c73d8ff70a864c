-- One for each order of the list of accounts, with and without a status; `users_newest` is there. Those
-- by address have the time as well: a search for the newest accounts sorts in the index.
-- `COLLATE "C"`: a range is a search for a prefix, and the order does not depend on the language.
CREATE INDEX users_newest_by_status ON users (status, created_at, id);
CREATE INDEX users_email ON users (email COLLATE "C", created_at, id);
CREATE INDEX users_email_by_status ON users (status, email COLLATE "C", created_at, id);
-- Pending accounts are counted with the one by status.
DROP INDEX IF EXISTS users_pending;
