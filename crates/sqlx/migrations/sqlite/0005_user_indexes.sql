-- Each for one query: the list of all, the count of pending accounts, the admins that are left.
CREATE INDEX users_newest ON users (created_at, id);
CREATE INDEX users_pending ON users (id) WHERE status = 'pending';
CREATE INDEX users_active_admins ON users (id) WHERE is_admin AND status = 'approved';
