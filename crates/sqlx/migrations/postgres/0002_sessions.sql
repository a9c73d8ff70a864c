-- `id` is the public name. `token`, `spent_token`: SHA-256 of the present token and of the one before.
-- `successor`: the secret of the present token, sealed with the one before.
-- `user_id` is no reference: ids do not come back, and an account that is gone opens nothing.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_id BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    device TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    token BYTEA NOT NULL,
    spent_token BYTEA,
    successor BYTEA
);

CREATE INDEX sessions_of_user ON sessions (user_id);
