-- One for each order of the list of accounts, with and without a status. Those by address have the time
-- as well: a search for the newest accounts sorts in the index.
-- `users_pending` stays, although the one by status has its rows: migrations only add.
CREATE INDEX IF NOT EXISTS users_newest ON users (created_at, id);
CREATE INDEX users_newest_by_status ON users (status, created_at, id);
CREATE INDEX users_email ON users (email, created_at);
CREATE INDEX users_email_by_status ON users (status, email, created_at);
