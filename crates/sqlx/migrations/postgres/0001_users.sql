-- An identity is a sequence, which never gives a number twice: the id of a deleted account never
-- comes back, not even after a crash. `ALWAYS`: nobody chooses one by mistake.
-- `approved_by` is a record, not a reference: it outlives the approver.
CREATE TABLE users (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email TEXT NOT NULL CONSTRAINT users_email_is_unique UNIQUE,
    hashed_password TEXT NOT NULL,
    is_admin BOOLEAN NOT NULL DEFAULT FALSE,
    status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'disabled')),
    created_at TIMESTAMPTZ NOT NULL,
    approved_at TIMESTAMPTZ,
    approved_by BIGINT,
    token_generation BIGINT NOT NULL DEFAULT 0
);

-- Each for one question: the list of all, the count that admins watch, who is left as admin.
CREATE INDEX users_newest ON users (created_at, id);
CREATE INDEX users_pending ON users (id) WHERE status = 'pending';
CREATE INDEX users_active_admins ON users (id) WHERE is_admin AND status = 'approved';
