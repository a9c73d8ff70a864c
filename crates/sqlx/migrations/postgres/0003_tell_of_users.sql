-- Whoever changes an account, a node or somebody with psql, all nodes hear of it: the payload is
-- the account's id, or `*` where there are too many to name. One that is new nobody has in memory.
-- The word goes out when the transaction commits, and not if it does not.
CREATE FUNCTION tell_of_users() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM pg_notify('users', '*');
    ELSIF (SELECT COUNT(*) FROM before) > 100 THEN
        PERFORM pg_notify('users', '*');
    ELSE
        PERFORM pg_notify('users', id::text) FROM before;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER tell_of_updates AFTER UPDATE ON users
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION tell_of_users();
CREATE TRIGGER tell_of_deletions AFTER DELETE ON users
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION tell_of_users();
CREATE TRIGGER tell_of_truncation AFTER TRUNCATE ON users
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_users();
