-- Up Migration
-- What is swept is found without a look at what was swept before: the rows of the history stay for as long as their
-- session, most of them with their successor emptied. The query of earlier versions is served by this index too.
CREATE INDEX idx_refresh_history_sealed ON _system.refresh_history (rotated_at) WHERE successor_sealed IS NOT NULL;
DROP INDEX _system.idx_refresh_history_rotated_at;
