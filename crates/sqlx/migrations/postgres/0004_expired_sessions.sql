-- Each log-in removes some that have expired, whosesoever they are.
CREATE INDEX sessions_by_end ON sessions (expires_at);
