-- One for each order of the list of accounts, with and without a status; `users_newest` is there. Those
-- by address have the time as well: a search for the newest accounts sorts in the index.
-- `COLLATE "C"`: a range is a search for a prefix, and the order does not depend on the language.
-- `users_pending` stays, although the one by status has its rows: `DROP INDEX` waits for every reader,
-- and later readers wait for it.
CREATE INDEX users_newest_by_status ON users (status, created_at, id);
CREATE INDEX users_email ON users (email COLLATE "C", created_at, id);
CREATE INDEX users_email_by_status ON users (status, email COLLATE "C", created_at, id);
