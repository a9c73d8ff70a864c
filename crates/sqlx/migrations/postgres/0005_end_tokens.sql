-- An account that is no longer approved has no tokens any more, and gets none back when it is approved
-- again: also where somebody disables it with psql.
CREATE FUNCTION end_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.token_generation := OLD.token_generation + 1;
    RETURN NEW;
END
$$;

CREATE TRIGGER end_tokens BEFORE UPDATE ON users FOR EACH ROW
    WHEN (OLD.status = 'approved' AND NEW.status <> 'approved'
        AND NEW.token_generation = OLD.token_generation)
    EXECUTE FUNCTION end_tokens();
