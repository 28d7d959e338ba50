-- Each row of what is kept carries a checksum of its other columns (LOG-3): SQLite itself finds damage to the
-- structure of its file, but not to the values in it.
--
-- place: the team's number << 40 | the count within the team. So a team's events and deliveries lie together, in order,
-- and need no index for their order or for their time, which rises with the count.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value ANY NOT NULL,
    checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE types (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    checksum INTEGER NOT NULL
) STRICT;

-- What the platform added to the built-in ones. Events name their type by its number in `types`, so these can go.
CREATE TABLE event_types (
    name TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    fires_on TEXT NOT NULL,
    schema TEXT NOT NULL,
    example TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;

-- Number 0 is the operator, whose log holds the notices; teams count from 1.
-- The row of a deleted team stays: positions of its log were given, and its id must not give them again (LOG-2).
CREATE TABLE teams (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    state INTEGER NOT NULL,              -- 0 alive, 1 deleted and being erased, 2 erased
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    removed_events INTEGER NOT NULL,     -- the count of the newest event that was removed
    removed_deliveries INTEGER NOT NULL, -- the highest count of a delivery that was removed
    removed_ms INTEGER NOT NULL,         -- when the newest removed event was committed
    checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX teams_erasing ON teams (number) WHERE state = 1;

CREATE TABLE keys (
    id BLOB PRIMARY KEY,
    team INTEGER NOT NULL,
    digest BLOB NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    types TEXT NOT NULL,
    maker BLOB,                          -- the key that it dies with
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    revoked_ms INTEGER,
    last_used_ms INTEGER,
    checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_of_team ON keys (team, id);
CREATE INDEX keys_of_maker ON keys (maker) WHERE maker IS NOT NULL;
CREATE INDEX keys_expiring ON keys (expires_ms) WHERE expires_ms IS NOT NULL;

-- Links to the settings page; one that was exchanged for a session is gone.
CREATE TABLE portal_links (
    digest BLOB PRIMARY KEY,             -- SHA-256 of the secret
    team INTEGER NOT NULL,
    scopes TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX portal_links_of_team ON portal_links (team);
CREATE INDEX portal_links_expiring ON portal_links (expires_ms);

-- The row of a deleted webhook stays for as long as its deliveries do.
CREATE TABLE webhooks (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    team INTEGER NOT NULL,
    state INTEGER NOT NULL,              -- 0 enabled, 1 disabled by request, 2 as gone, 4 as failing; 3 deleted
    generation INTEGER NOT NULL,         -- a delivery of an earlier one that waits is cancelled
    cancelling INTEGER NOT NULL,         -- 1 while there may be such rows
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    filter TEXT,                         -- in its one form; null for none
    description TEXT NOT NULL,
    retry_schedule TEXT,
    headers BLOB,                        -- sealed by the vault; null for none
    disable_on_gone INTEGER NOT NULL,
    ordered INTEGER NOT NULL,
    rate_limit INTEGER,                  -- attempts a second; null for none
    version INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    secret BLOB,                         -- sealed by the vault; null once deleted
    previous_secret BLOB,                -- sealed by the vault
    previous_until_ms INTEGER,
    checksum INTEGER NOT NULL
) STRICT;
-- Why a webhook's generation rose: what waited under the one before was cancelled for this reason.
CREATE TABLE cancellations (
    webhook INTEGER NOT NULL,
    generation INTEGER NOT NULL,         -- the new one
    reason INTEGER NOT NULL,             -- 0 webhook disabled, 1 endpoint gone, 2 webhook deleted, 3 endpoint failing
    checksum INTEGER NOT NULL,
    PRIMARY KEY (webhook, generation)
) STRICT, WITHOUT ROWID;
-- Of webhooks that fail: their failed attempts since the last success. One that is well has no row.
CREATE TABLE failures (
    webhook INTEGER PRIMARY KEY,
    since_ms INTEGER NOT NULL,           -- when the first of them began
    attempts INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX webhooks_of_team ON webhooks (team, id);
CREATE INDEX webhooks_cancelling ON webhooks (number) WHERE cancelling = 1;
CREATE INDEX webhooks_deleted ON webhooks (number) WHERE state = 3;

CREATE TABLE events (
    place INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    kind INTEGER NOT NULL,               -- the type's number << 3 | 4 if erased | 2 if kept from webhooks | 1 for a test event
    created_ms INTEGER NOT NULL,         -- the envelope's
    committed_ms INTEGER NOT NULL,       -- never falls within a team
    checksum INTEGER NOT NULL,
    body BLOB NOT NULL                   -- empty once erased; last, so that reading the others does not load its overflow pages
) STRICT;
CREATE UNIQUE INDEX events_id ON events (id);

CREATE TABLE idempotency (
    team INTEGER NOT NULL,
    key BLOB NOT NULL,                   -- 16 bytes of the key's SHA-256: short, and as good
    event INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    used_ms INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (team, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (used_ms);

CREATE TABLE deliveries (
    place INTEGER PRIMARY KEY,
    tag INTEGER NOT NULL,                -- the half of the id that cannot be guessed
    webhook INTEGER NOT NULL,
    generation INTEGER NOT NULL,         -- the webhook's, when this last began to wait; -1 if erasing its event cancelled it
    event INTEGER NOT NULL,
    event_id BLOB NOT NULL,              -- kept here because deliveries may outlive their event
    kind INTEGER NOT NULL,
    status INTEGER NOT NULL,             -- 0 pending, 1 retrying, 2 delivered, 3 failed, 4 cancelled
    attempts INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    due_ms INTEGER,                      -- set exactly while it waits
    last_attempt INTEGER,
    checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX deliveries_event ON deliveries (event_id);
CREATE INDEX deliveries_webhook ON deliveries (webhook);
CREATE INDEX deliveries_due ON deliveries (webhook, generation, due_ms) WHERE due_ms IS NOT NULL;
-- What is delivered or pending is most of the newest rows or few of them; what is not well is worth an index, and
-- costs nothing while all is well. (Not written with IN, which SQLite would make a table for, each time.)
CREATE INDEX deliveries_unwell ON deliveries (status) WHERE status <> 0 AND status <> 2;
CREATE INDEX deliveries_unwell_webhook ON deliveries (webhook, status) WHERE status <> 0 AND status <> 2;

-- Appended only; each points to the one before it of the same delivery, so no index is needed.
CREATE TABLE attempts (
    number INTEGER PRIMARY KEY,
    delivery INTEGER NOT NULL,
    previous INTEGER,
    count INTEGER NOT NULL,              -- from 1, as x-cstar-attempt has it
    started_ms INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    status_code INTEGER,
    detail TEXT NOT NULL,
    response_headers TEXT NOT NULL,
    response_body TEXT NOT NULL,
    url TEXT NOT NULL,
    address TEXT,
    signature TEXT,
    checksum INTEGER NOT NULL
) STRICT;

-- Ids rise in the order of commits. A team is named by its id, not its number: what was done to it is told when it is gone.
CREATE TABLE audit (
    id BLOB PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    action TEXT NOT NULL,
    actor BLOB,                          -- the id of a key; null for the platform
    team BLOB,
    resource TEXT NOT NULL,
    address TEXT,
    request_id TEXT NOT NULL,
    checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_of_team ON audit (team, id);

CREATE TABLE operations (
    id BLOB PRIMARY KEY,
    team INTEGER NOT NULL,
    state INTEGER NOT NULL,              -- 0 running, 1 done, 2 cancelled, 3 failed
    failure INTEGER,                     -- 0 webhook disabled, 1 webhook deleted, 2 damaged
    work INTEGER NOT NULL,               -- 0 resend, 1 recover
    webhook BLOB,                        -- the id; with those below, what it is about
    event TEXT,                          -- the id
    status INTEGER,
    types TEXT,
    since_ms INTEGER,
    until_ms INTEGER,
    visible TEXT NOT NULL,               -- the patterns of its maker
    cursor INTEGER NOT NULL,             -- done up to this place: of a delivery (resend) or an event (recover)
    last INTEGER NOT NULL,               -- the last place that it is about
    done INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX operations_of_team ON operations (team, id);
CREATE INDEX operations_running ON operations (updated_ms, id) WHERE state = 0;
CREATE INDEX operations_ended ON operations (created_ms) WHERE state <> 0;
