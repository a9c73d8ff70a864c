-- `id` is the public name. `token`, `spent_token`: SHA-256 of the present token and of the one before.
-- `successor`: the secret of the present token, sealed with the one before.
-- `user_id` is no reference: ids do not come back, and an account that is gone opens nothing.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,
    user_id INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    device TEXT NOT NULL,
    created_at TEXT NOT NULL,
    last_used_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    token BLOB NOT NULL,
    spent_token BLOB,
    successor BLOB
);

CREATE INDEX sessions_of_user ON sessions (user_id);
