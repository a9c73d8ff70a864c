-- Readers see the last committed state, and wait for no writer. Kept in the file.
PRAGMA journal_mode = WAL;

-- `AUTOINCREMENT`: the id of a deleted account is not used again. Times are in microseconds.
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL UNIQUE,
    hashed_password TEXT NOT NULL,
    is_admin BOOLEAN NOT NULL,
    status TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    approved_at BIGINT,
    approved_by BIGINT,
    token_generation BIGINT NOT NULL,
    email_verified_at BIGINT,
    display_name TEXT,
    must_change_password BOOLEAN NOT NULL
);
CREATE INDEX IF NOT EXISTS users_by_age ON users (created_at, id);
CREATE INDEX IF NOT EXISTS users_by_status ON users (status, created_at, id);
CREATE INDEX IF NOT EXISTS users_by_role ON users (is_admin, status);

-- No foreign key: the sessions of a deleted account authorize nothing, and expire.
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY NOT NULL,
    user_id BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    device TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    token BLOB NOT NULL,
    previous_token BLOB,
    successor BLOB
);
CREATE INDEX IF NOT EXISTS sessions_of_user ON sessions (user_id, last_used_at);
CREATE INDEX IF NOT EXISTS sessions_by_end ON sessions (expires_at);
