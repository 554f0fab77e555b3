-- A namespace that something was published in, or that an operator froze.
CREATE TABLE namespaces (
    name TEXT PRIMARY KEY,
    created_at TEXT NOT NULL,
    frozen TEXT -- why nothing may be published; NULL when it may
);

-- `id` is <namespace>/<name, lower case, `-` as `_`>: names that differ only there are one name, for ever.
CREATE TABLE crates (
    id TEXT PRIMARY KEY,
    namespace TEXT NOT NULL REFERENCES namespaces (name),
    name TEXT NOT NULL,
    description TEXT,
    created_at TEXT NOT NULL
);
CREATE INDEX crates_of_namespace ON crates (namespace, name);

-- `line` is the index line, the only place that states what a release is. `precedence` is the version without its build
-- part: versions that differ only there are one version.
CREATE TABLE versions (
    crate_id TEXT NOT NULL REFERENCES crates (id),
    precedence TEXT NOT NULL,
    version TEXT NOT NULL,
    position BIGINT NOT NULL,
    cksum TEXT NOT NULL,
    line TEXT NOT NULL,
    placed BIGINT NOT NULL DEFAULT 0, -- 1 when the .crate and its envelope are where this line says
    PRIMARY KEY (crate_id, precedence)
) WITHOUT ROWID;

CREATE TABLE owners (
    crate_id TEXT NOT NULL REFERENCES crates (id),
    owner_key TEXT NOT NULL,
    added_by TEXT NOT NULL,
    added_at TEXT NOT NULL,
    PRIMARY KEY (crate_id, owner_key)
) WITHOUT ROWID;
CREATE INDEX owners_by_key ON owners (owner_key);

-- Crates whose index file may be older than their rows, and whose files may still be staged. Written in the transaction
-- that changes the rows, removed when the files are in place.
CREATE TABLE dirty (
    crate_id TEXT PRIMARY KEY REFERENCES crates (id),
    mark BIGINT NOT NULL
) WITHOUT ROWID;

-- A crate that is offered to somebody: at most one offer a crate.
CREATE TABLE transfers (
    crate_id TEXT PRIMARY KEY REFERENCES crates (id),
    to_key TEXT NOT NULL,
    offered_by TEXT NOT NULL,
    offered_at TEXT NOT NULL
) WITHOUT ROWID;

-- The registry's copy of endorsements and revocations; `digest` is of the statement.
CREATE TABLE documents (
    namespace TEXT NOT NULL REFERENCES namespaces (name),
    digest TEXT NOT NULL,
    kind TEXT NOT NULL,
    by_key TEXT NOT NULL,
    subject_key TEXT NOT NULL,
    envelope TEXT NOT NULL,
    added_at TEXT NOT NULL,
    PRIMARY KEY (namespace, digest)
) WITHOUT ROWID;

-- Nonces that were used, until their statements are too old anyway (`expires`, seconds since 1970).
CREATE TABLE nonces (
    nonce TEXT PRIMARY KEY,
    expires BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX nonces_by_expiry ON nonces (expires);

-- When and by which record a domain let a key publish.
CREATE TABLE validations (
    namespace TEXT NOT NULL,
    owner_key TEXT NOT NULL,
    scope TEXT NOT NULL,
    places TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (namespace, owner_key, scope)
) WITHOUT ROWID;

-- Who did what. Only ever added to.
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_by_subject ON audit (subject, seq);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
