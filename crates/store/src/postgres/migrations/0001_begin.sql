-- Every key of what grows begins with the team, and nothing refers across teams: a team's rows can be moved as they are.
--
-- team: the team's number. seq, number: the count of an event, and of a delivery, within its team.
-- day: days since 1970 of the commit, by which the large tables are cut into partitions. What is old goes by dropping some,
-- not by deleting rows. They are made when the first row of a day comes (`days`): there is no default one, since that would
-- keep others from being detached without a lock.
--
-- Texts that people wrote are kept as bytes: PostgreSQL's text takes no zero.
--
-- Bodies carry a checksum of their row (LOG-3), since they are what was promised byte for byte; for the rest there are the
-- page checksums of the database, without which the store says so at its start.

CREATE TABLE meta (
    name text PRIMARY KEY,
    value bytea NOT NULL
);

-- One for each start of a node, never given twice: it is the fencing number of what the node has taken. What a node has is its
-- own until then, on the clock of the database. One that ends has what is still on its way under the negative of its number.
CREATE TABLE nodes (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    leased_until timestamptz NOT NULL,
    has_left boolean NOT NULL DEFAULT false -- on purpose: the lease is not renewed again
);

-- Number 0 is the operator, whose log holds the notices; teams count from 1.
-- The row of a deleted team stays: positions of its log were given, and its id must not give them again (LOG-2).
-- Whoever appends to the team's log locks it, counts on, and commits, so positions have no holes and rise in the order of commits.
CREATE TABLE teams (
    number bigint PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    state smallint NOT NULL,             -- 0 alive, 1 deleted and being erased, 2 erased
    name bytea NOT NULL,
    version bigint NOT NULL,
    created_ms bigint NOT NULL,
    webhooks bigint NOT NULL,            -- rises with every change of a webhook of the team's
    removed_events bigint NOT NULL       -- the seq of the newest event that was removed
);

-- Where a team's log ends: its newest version counts, and each commit puts one in the place of the one before. What somebody's open
-- transaction keeps of them lies before it in the index, and nobody passes it by. It is vacuumed early: all but one row of a team are dead.
CREATE TABLE heads (
    team bigint NOT NULL,
    version bigint NOT NULL,
    seq bigint NOT NULL,                 -- of the newest event
    delivery bigint NOT NULL,            -- the number of the newest delivery
    last_ms bigint NOT NULL,             -- the newest commit time: within a team times never fall
    PRIMARY KEY (team, version)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE TABLE keys (
    team bigint NOT NULL,
    id uuid NOT NULL UNIQUE,
    digest bytea NOT NULL,
    name bytea NOT NULL,
    scopes text NOT NULL,
    types text NOT NULL,
    maker uuid,                          -- the key that it dies with
    created_ms bigint NOT NULL,
    expires_ms bigint,
    revoked_ms bigint,
    last_used_ms bigint,
    PRIMARY KEY (team, id)
) WITH (fillfactor = 80);
CREATE INDEX keys_of_maker ON keys (team, maker) WHERE maker IS NOT NULL;
CREATE INDEX keys_expiring ON keys (expires_ms) WHERE expires_ms IS NOT NULL;

-- Links to the settings page; one that was exchanged for a session is gone.
CREATE TABLE portal_links (
    team bigint NOT NULL,
    digest bytea NOT NULL UNIQUE,        -- SHA-256 of the secret
    scopes text NOT NULL,
    created_ms bigint NOT NULL,
    expires_ms bigint NOT NULL,
    PRIMARY KEY (team, digest)
);
CREATE INDEX portal_links_expiring ON portal_links (expires_ms);

-- What the platform added to the built-in types. Events name their type themselves, so these can go.
CREATE TABLE event_types (
    name text PRIMARY KEY,
    description text NOT NULL,
    fires_on text NOT NULL,
    schema text NOT NULL,
    example text NOT NULL,
    version bigint NOT NULL,
    created_ms bigint NOT NULL,
    updated_ms bigint NOT NULL
);

-- The row of a deleted webhook stays for as long as its deliveries do.
CREATE TABLE webhooks (
    team bigint NOT NULL,
    id uuid NOT NULL UNIQUE,
    state smallint NOT NULL,             -- 0 enabled, 1 disabled by request, 2 as gone, 4 as failing; 3 deleted
    generation bigint NOT NULL,          -- a delivery of an earlier one that waits is cancelled
    cancelling boolean NOT NULL,         -- while there may be such rows
    url text NOT NULL,
    events text NOT NULL,
    filter text,                         -- in its one form; null for none
    description bytea NOT NULL,
    retry_schedule text,
    headers bytea,                       -- sealed by the vault; null for none
    disable_on_gone boolean NOT NULL,
    ordered boolean NOT NULL,
    rate_limit bigint,                   -- attempts a second; null for none
    version bigint NOT NULL,
    created_ms bigint NOT NULL,
    updated_ms bigint NOT NULL,
    secret bytea,                        -- sealed by the vault; null once deleted
    previous_secret bytea,               -- sealed by the vault
    previous_until_ms bigint,
    PRIMARY KEY (team, id)
);
CREATE INDEX webhooks_cancelling ON webhooks (team, id) WHERE cancelling;
CREATE INDEX webhooks_deleted ON webhooks (team, id) WHERE state = 3;

-- Why a webhook's generation rose: what waited under the one before was cancelled for this reason.
CREATE TABLE cancellations (
    team bigint NOT NULL,
    webhook uuid NOT NULL,
    generation bigint NOT NULL,          -- the new one
    reason smallint NOT NULL,            -- 0 webhook disabled, 1 endpoint gone, 2 webhook deleted, 3 endpoint failing
    PRIMARY KEY (team, webhook, generation)
);

-- Of webhooks that fail: their failed attempts since the last success. One that is well has no row.
CREATE TABLE failures (
    team bigint NOT NULL,
    webhook uuid NOT NULL,
    since_ms bigint NOT NULL,            -- when the first of them began
    attempts bigint NOT NULL,
    PRIMARY KEY (team, webhook)
);

CREATE TABLE events (
    team bigint NOT NULL,
    seq bigint NOT NULL,
    day integer NOT NULL,
    id uuid NOT NULL,
    type text NOT NULL,
    marks smallint NOT NULL,             -- 4 if erased | 2 if kept from webhooks | 1 for a test event
    created_ms bigint NOT NULL,          -- the envelope's
    committed_ms bigint NOT NULL,        -- never falls within a team
    checksum bigint NOT NULL,
    body bytea NOT NULL,                 -- empty once erased
    PRIMARY KEY (team, seq, day),
    UNIQUE (id, day)                     -- an id carries its own time, so within a day is as good as within all
) PARTITION BY RANGE (day);

CREATE TABLE idempotency (
    team bigint NOT NULL,
    key bytea NOT NULL,                  -- 16 bytes of the key's SHA-256: short, and as good
    event bigint NOT NULL,
    day integer NOT NULL,                -- the event's
    fingerprint bytea NOT NULL,
    used_ms bigint NOT NULL,
    PRIMARY KEY (team, key)
);
CREATE INDEX idempotency_age ON idempotency (used_ms);

-- What became of each delivery. Its id says the day, too.
CREATE TABLE deliveries (
    team bigint NOT NULL,
    number bigint NOT NULL,
    day integer NOT NULL,
    tag bigint NOT NULL,                 -- the random part of the id
    webhook uuid NOT NULL,
    generation bigint NOT NULL,          -- the webhook's, when this last began to wait; -1 if erasing its event cancelled it
    event bigint NOT NULL,               -- the seq
    event_day integer NOT NULL,
    event_id uuid NOT NULL,              -- kept here because deliveries may outlive their event
    type text NOT NULL,
    marks smallint NOT NULL,
    status smallint NOT NULL,            -- 0 pending, 1 retrying, 2 delivered, 3 failed, 4 cancelled
    attempts integer NOT NULL,
    failed integer NOT NULL,
    created_ms bigint NOT NULL,
    due_ms bigint,                       -- set exactly while it waits
    last_attempt integer,                -- the place of the newest of its attempts
    PRIMARY KEY (team, number, day)
) PARTITION BY RANGE (day);
CREATE INDEX deliveries_event ON deliveries (team, event_id);
CREATE INDEX deliveries_webhook ON deliveries (team, webhook, number);

-- What waits: small, and the only table that is asked what is to be sent. A row belongs to a node, and to any other that takes
-- it once the lease of that one has run out; what a node made that does not send is anybody's, under number 0.
CREATE TABLE due (
    team bigint NOT NULL,
    number bigint NOT NULL,              -- with the day, of the delivery
    day integer NOT NULL,
    webhook uuid NOT NULL,
    generation bigint NOT NULL CHECK (generation >= 0),
    due_ms bigint NOT NULL,
    event bigint NOT NULL CHECK (event >= 0), -- the seq
    node bigint NOT NULL,
    PRIMARY KEY (team, number)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
-- These conditions always hold. They keep the planner from these indexes where it looks for one row by its key: when next to nothing waits,
-- and much has waited that somebody's open transaction keeps, all indexes are the same to it.
CREATE INDEX due_of_webhook ON due (team, webhook, generation, due_ms, number) WHERE generation >= 0;
CREATE INDEX due_of_event ON due (team, event) WHERE event >= 0;
CREATE INDEX due_of_nobody ON due (team, webhook, due_ms) WHERE node = 0;

-- In the partition of their delivery's day, so that they go together.
CREATE TABLE attempts (
    team bigint NOT NULL,
    delivery bigint NOT NULL,
    place integer NOT NULL,              -- counts within the delivery, from 1
    day integer NOT NULL,                -- the delivery's
    count integer NOT NULL,              -- from 1, as x-cstar-attempt has it: a crash can repeat one
    started_ms bigint NOT NULL,
    duration_ms bigint NOT NULL,
    outcome smallint NOT NULL,
    status_code integer,
    detail bytea NOT NULL,
    response_headers bytea NOT NULL,
    response_body bytea NOT NULL,
    url text NOT NULL,
    address text,
    signature text,
    PRIMARY KEY (team, delivery, place, day)
) PARTITION BY RANGE (day);

-- Ids rise in the order of commits. A team is named by its id, not its number: what was done to it is told when it is gone.
CREATE TABLE audit (
    id uuid PRIMARY KEY,
    at_ms bigint NOT NULL,
    action text NOT NULL,
    actor uuid,                          -- the id of a key; null for the platform
    team uuid,
    resource text NOT NULL,
    address text,
    request_id text NOT NULL
);
CREATE INDEX audit_of_team ON audit (team, id);

CREATE TABLE operations (
    team bigint NOT NULL,
    id uuid NOT NULL UNIQUE,
    state smallint NOT NULL,             -- 0 running, 1 done, 2 cancelled, 3 failed
    failure smallint,                    -- 0 webhook disabled, 1 webhook deleted, 2 damaged
    work smallint NOT NULL,              -- 0 resend, 1 recover
    webhook uuid,                        -- the id; with those below, what it is about
    event text,                          -- the id
    status smallint,
    types text,
    since_ms bigint,
    until_ms bigint,
    visible text NOT NULL,               -- the patterns of its maker
    cursor bigint NOT NULL,              -- done up to this count: of a delivery (resend) or an event (recover)
    last bigint NOT NULL,                -- the last that it is about
    done bigint NOT NULL,
    skipped bigint NOT NULL,
    created_ms bigint NOT NULL,
    updated_ms bigint NOT NULL,
    ended_ms bigint,
    PRIMARY KEY (team, id)
);
CREATE INDEX operations_running ON operations (updated_ms, id) WHERE state = 0;
CREATE INDEX operations_ended ON operations (created_ms) WHERE state <> 0;

-- What nodes tell each other beside events: what one of them remembers, another has changed. Numbers are given before the commit
-- and so are no order; a reader goes by the transaction: whatever was not committed when it looked was under way, or had not begun.
CREATE TABLE changes (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT now(),
    node bigint NOT NULL,                -- whose readers have heard of it
    receiver bigint,                     -- the only node that is to hear of it
    kind smallint NOT NULL,              -- 0 webhook changed, 1 event erased, 2 key revoked, 3 team deleted, 4 event types, 5 due
    team uuid,
    what uuid,                           -- the webhook, or the key
    seq bigint,                          -- of the event
    webhooks uuid[]                      -- to which the event waited to be delivered
);
CREATE INDEX changes_of_transaction ON changes (transaction);
