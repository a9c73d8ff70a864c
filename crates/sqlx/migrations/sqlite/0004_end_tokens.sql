-- An account that is no longer approved has no tokens any more, and gets none back when it is approved
-- again: also where somebody disables it with sqlite3.
CREATE TRIGGER end_tokens AFTER UPDATE ON users
    WHEN OLD.status = 'approved' AND NEW.status <> 'approved'
        AND NEW.token_generation = OLD.token_generation
BEGIN
    UPDATE users SET token_generation = token_generation + 1 WHERE id = NEW.id;
END;
