/// The statements of an engine, with the names of its tables.
///
/// Each statement takes its parameters as text, integers and floats, and runs without being prepared first. This takes one
/// round trip, and works with a connection pooler that assigns a connection per transaction.
///
/// All times are those of the server, by `clock_timestamp()`. `now()` is the start of the transaction, which is in the past if
/// a statement has waited for a lock.
pub(super) struct Sql {
    pub(super) exists: String,
    pub(super) create: String,
    pub(super) add: String,
    pub(super) claim: String,
    pub(super) not_yet: String,
    pub(super) hold: String,
    pub(super) commit: String,
    pub(super) read: String,
    pub(super) renew: String,
    pub(super) release: String,
    pub(super) progress: String,
    pub(super) set_aside: String,
    pub(super) retry_set_aside: String,
}

impl Sql {
    pub(super) fn new(prefix: &str) -> Self {
        let statement = |text: &str| {
            text.replace("{p}", &format!("{prefix}_partitions")).replace("{i}", &format!("{prefix}_items"))
        };
        Self {
            exists: statement("SELECT to_regclass('{p}') IS NOT NULL AND to_regclass('{i}') IS NOT NULL"),
            create: statement(CREATE),
            add: statement(ADD),
            claim: statement(CLAIM),
            not_yet: statement(NOT_YET),
            hold: statement(HOLD),
            commit: statement(COMMIT),
            read: statement(READ),
            renew: statement(RENEW),
            release: statement(RELEASE),
            progress: statement(PROGRESS),
            set_aside: statement(SET_ASIDE),
            retry_set_aside: statement(RETRY_SET_ASIDE),
        }
    }
}

/// The statements are one transaction. The lock is needed because concurrent `CREATE TABLE IF NOT EXISTS` statements may fail.
///
/// `owner_pid` is not null while a partition is claimed. `not_before` is the end of the lease of a claimed partition, and
/// otherwise the end of the backoff. `fence` increases with each claim and release, and `version` with each commit.
/// The type of the items is `json`: unlike `jsonb`, it keeps all numbers and all strings as they are.
const CREATE: &str = "
SELECT pg_advisory_xact_lock(hashtext('{p}'));
CREATE TABLE IF NOT EXISTS {p} (
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text PRIMARY KEY,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'set aside')),
    checkpoint text,
    items bigint NOT NULL DEFAULT 0,
    fence bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0,
    owner_pid integer,
    owner_start timestamptz,
    not_before timestamptz NOT NULL DEFAULT '-infinity',
    attempts integer NOT NULL DEFAULT 0,
    error text
);
CREATE INDEX IF NOT EXISTS {p}_claimed ON {p} (not_before) WHERE owner_pid IS NOT NULL;
CREATE INDEX IF NOT EXISTS {p}_open ON {p} (not_before, id) WHERE state = 'open' AND owner_pid IS NULL;
CREATE TABLE IF NOT EXISTS {i} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, partition text NOT NULL, item json NOT NULL);
CREATE INDEX IF NOT EXISTS {i}_partition ON {i} (partition, id);
";

const ADD: &str = "
INSERT INTO {p} (name) SELECT name FROM unnest($1::text[]) WITH ORDINALITY AS new (name, n) ORDER BY n
ON CONFLICT (name) DO NOTHING";

/// Claims a partition whose owner is lost or whose lease has expired, or else one that has no owner.
///
/// An owner is lost if its backend process does not exist, and the server has not been restarted since the claim: a restart
/// ends the backend processes of all owners, which reconnect. `backend_start` of the processes of other users may be hidden.
const CLAIM: &str = "
WITH alive AS MATERIALIZED (SELECT pid, backend_start FROM pg_stat_activity),
abandoned AS (
    SELECT id FROM {p} AS p
    WHERE state = 'open' AND owner_pid IS NOT NULL AND (
        not_before <= clock_timestamp()
        OR $2 AND owner_start > pg_postmaster_start_time() AND NOT EXISTS (
            SELECT FROM alive WHERE pid = p.owner_pid AND (backend_start IS NULL OR backend_start = p.owner_start)))
    ORDER BY not_before LIMIT 1 FOR UPDATE SKIP LOCKED),
unowned AS (
    SELECT id FROM {p}
    WHERE NOT EXISTS (SELECT FROM abandoned) AND state = 'open' AND owner_pid IS NULL AND not_before <= clock_timestamp()
    ORDER BY not_before, id LIMIT 1 FOR UPDATE SKIP LOCKED)
UPDATE {p} SET fence = fence + 1, attempts = attempts + 1, owner_pid = pg_backend_pid(),
    owner_start = (SELECT backend_start FROM alive WHERE pid = pg_backend_pid()),
    not_before = clock_timestamp() + $1 * interval '1 ms'
WHERE id IN (SELECT id FROM abandoned UNION ALL SELECT id FROM unowned)
RETURNING name, fence, version, checkpoint, attempts";

/// The milliseconds until a partition may be claimed or a finished one has no owner; null or negative if none is left.
const NOT_YET: &str = "
SELECT extract(epoch FROM min(not_before) - clock_timestamp())::float8 * 1000 FROM {p}
WHERE state = 'open' AND not_before > '-infinity'
UNION ALL
SELECT 0 WHERE EXISTS (SELECT FROM {p} WHERE state = 'open' AND not_before = '-infinity')
UNION ALL
SELECT extract(epoch FROM max(not_before) - clock_timestamp())::float8 * 1000 FROM {p} AS p
WHERE state = 'done' AND owner_pid IS NOT NULL AND not_before > clock_timestamp()
    AND NOT ($1 AND owner_start > pg_postmaster_start_time() AND NOT EXISTS (SELECT FROM pg_stat_activity
        WHERE pid = p.owner_pid AND (backend_start IS NULL OR backend_start = p.owner_start)))
ORDER BY 1 LIMIT 1";

/// The first statement of the transaction of a commit. A process that is stopped inside the transaction keeps the row locked,
/// so the server ends its session after the lease time.
const HOLD: &str = "
UPDATE {p} SET checkpoint = $4, items = items + $5, version = version + 1, attempts = 1,
    state = CASE WHEN $6 THEN 'done' ELSE state END, not_before = clock_timestamp() + $7 * interval '1 ms'
WHERE name = $1 AND fence = $2 AND version = $3 AND state = 'open'
RETURNING set_config('idle_in_transaction_session_timeout', $8, true)";

/// The whole commit as one statement, which is a transaction of its own.
const COMMIT: &str = "
WITH held AS (
    UPDATE {p} SET checkpoint = $4, items = items + $5, version = version + 1, attempts = 1,
        state = CASE WHEN $6 THEN 'done' ELSE state END, not_before = clock_timestamp() + $7 * interval '1 ms'
    WHERE name = $1 AND fence = $2 AND version = $3 AND state = 'open' RETURNING name),
stored AS (
    INSERT INTO {i} (partition, item)
    SELECT held.name, new.item::json FROM held, unnest($8::text[]) WITH ORDINALITY AS new (item, n) ORDER BY n)
SELECT 1 FROM held";

/// Reads the checkpoint, and ensures that it is final for the commits that were sent before: this statement waits for one that
/// the server still executes, because it has locked the row. One that arrives later has the wrong version.
const READ: &str = "
UPDATE {p} SET version = version + 1 WHERE name = $1 AND fence = $2 RETURNING version, checkpoint";

/// Extends the lease, and binds it to the current connection, which may be a new one.
const RENEW: &str = "
UPDATE {p} SET not_before = clock_timestamp() + $3 * interval '1 ms', owner_pid = pg_backend_pid(),
    owner_start = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())
WHERE name = $1 AND fence = $2 RETURNING 1";

/// Releases a partition. One that is done remains done.
const RELEASE: &str = "
UPDATE {p} SET fence = fence + 1, owner_pid = NULL, owner_start = NULL, attempts = greatest(attempts - $3, 0),
    state = CASE WHEN state = 'done' THEN state ELSE $4 END, error = coalesce($5, error),
    not_before = CASE WHEN $6 > 0 THEN clock_timestamp() + $6 * interval '1 ms' ELSE '-infinity' END
WHERE name = $1 AND fence = $2 RETURNING 1";

const PROGRESS: &str = "
SELECT count(*) FILTER (WHERE state = 'open' AND not_before <= clock_timestamp()),
    count(*) FILTER (WHERE state = 'open' AND not_before > clock_timestamp() AND owner_pid IS NOT NULL),
    count(*) FILTER (WHERE state = 'open' AND not_before > clock_timestamp() AND owner_pid IS NULL),
    count(*) FILTER (WHERE state = 'done'),
    coalesce(sum(items), 0)::bigint
FROM {p}";

const SET_ASIDE: &str =
    "SELECT name, coalesce(error, '') FROM {p} WHERE state = 'set aside' ORDER BY name COLLATE \"C\"";

/// The claims of these partitions have ended, so no token has their fence.
const RETRY_SET_ASIDE: &str = "
UPDATE {p} SET state = 'open', attempts = 0, error = NULL, not_before = '-infinity' WHERE state = 'set aside' RETURNING 1";
