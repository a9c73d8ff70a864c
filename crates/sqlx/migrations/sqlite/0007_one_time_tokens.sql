-- Times are as those of the accounts. No foreign key: accounts may be kept elsewhere, and a token of an
-- account that is deleted is valid for none.
CREATE TABLE one_time_tokens (
    digest BLOB PRIMARY KEY NOT NULL,
    purpose TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    created_by INTEGER,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
);

CREATE INDEX one_time_tokens_of_user ON one_time_tokens (user_id, purpose, created_at, digest);
-- Each new one removes some that have expired.
CREATE INDEX one_time_tokens_by_end ON one_time_tokens (expires_at);
