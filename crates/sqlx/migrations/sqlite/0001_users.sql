-- Times are RFC 3339 in UTC with microseconds, so that they sort as text.
-- `AUTOINCREMENT`: the id of a deleted account never comes back.
-- `approved_by` is a record, not a reference: it outlives the approver.
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL UNIQUE,
    hashed_password TEXT NOT NULL,
    is_admin BOOLEAN NOT NULL DEFAULT FALSE,
    status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'disabled')),
    created_at TEXT NOT NULL,
    approved_at TEXT,
    approved_by INTEGER,
    token_generation INTEGER NOT NULL DEFAULT 0
);
