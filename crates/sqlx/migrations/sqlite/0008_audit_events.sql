-- `account` is no reference: the events of an account stay when it is deleted. No column has text that a
-- client sent, except the network address, which was parsed.
CREATE TABLE audit_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    event TEXT NOT NULL,
    actor TEXT NOT NULL,
    account INTEGER,
    session TEXT,
    reason TEXT,
    address TEXT
);

-- The events of an account, and its oldest of a kind; those that are too old.
CREATE INDEX audit_events_of_account ON audit_events (account, event, at);
CREATE INDEX audit_events_by_time ON audit_events (at);

-- Apart from the events, which are deleted after some time.
CREATE TABLE audit_last_logins (
    account INTEGER PRIMARY KEY NOT NULL,
    at TEXT NOT NULL
);
