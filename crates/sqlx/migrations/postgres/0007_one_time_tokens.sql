-- No foreign key: accounts may be kept elsewhere, and a token of an account that is deleted is valid for
-- none.
CREATE TABLE one_time_tokens (
    digest BYTEA PRIMARY KEY NOT NULL,
    purpose TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    created_by BIGINT,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);

CREATE INDEX one_time_tokens_of_user ON one_time_tokens (user_id, purpose, created_at, digest);
-- Each new one removes some that have expired.
CREATE INDEX one_time_tokens_by_end ON one_time_tokens (expires_at);
