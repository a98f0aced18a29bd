"""The migrations from an empty database to the current schema. Append a migration; never edit a released one."""

from __future__ import annotations

FIRST = """
CREATE TABLE projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    hmac_key TEXT NOT NULL,
    next_block INTEGER NOT NULL DEFAULT 1,
    next_deployment INTEGER NOT NULL DEFAULT 1,
    settings TEXT NOT NULL DEFAULT '{}',
    created TEXT NOT NULL,
    modified TEXT NOT NULL
);
CREATE TABLE keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    hint TEXT NOT NULL,
    role TEXT NOT NULL,
    development INTEGER NOT NULL DEFAULT 0,
    created TEXT NOT NULL,
    expires TEXT
);
CREATE TABLE samples (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    category TEXT NOT NULL,
    filename TEXT NOT NULL,
    suffix TEXT NOT NULL,
    label TEXT NOT NULL,
    label_type TEXT NOT NULL,
    structured_labels TEXT,
    metadata TEXT NOT NULL DEFAULT '{}',
    sha256 TEXT NOT NULL,
    format TEXT NOT NULL,
    interval_ms REAL NOT NULL,
    sensors TEXT NOT NULL,
    values_count INTEGER NOT NULL,
    length_ms REAL NOT NULL,
    device_name TEXT,
    device_type TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL DEFAULT '',
    disabled INTEGER NOT NULL DEFAULT 0,
    created TEXT NOT NULL,
    modified TEXT NOT NULL
);
CREATE INDEX samples_by_category ON samples (project, category, id);
CREATE INDEX samples_by_label ON samples (project, category, label, length_ms);
CREATE INDEX samples_by_content ON samples (project, sha256);
CREATE INDEX samples_by_blob ON samples (sha256);
CREATE TABLE impulses (
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    created TEXT NOT NULL,
    modified TEXT NOT NULL,
    PRIMARY KEY (project, id)
);
CREATE TABLE block_configs (
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    block INTEGER NOT NULL,
    document TEXT NOT NULL,
    modified TEXT NOT NULL,
    PRIMARY KEY (project, block)
);
CREATE TABLE features (
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    block INTEGER NOT NULL,
    category TEXT NOT NULL,
    x TEXT NOT NULL,
    y TEXT NOT NULL,
    summary TEXT NOT NULL,
    created TEXT NOT NULL,
    PRIMARY KEY (project, block, category)
);
CREATE TABLE models (
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    block INTEGER NOT NULL,
    files TEXT NOT NULL,
    summary TEXT NOT NULL,
    created TEXT NOT NULL,
    PRIMARY KEY (project, block)
);
CREATE TABLE results (
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    subject INTEGER NOT NULL,
    variant TEXT NOT NULL,
    blob TEXT NOT NULL,
    created TEXT NOT NULL,
    PRIMARY KEY (project, kind, subject, variant)
);
CREATE TABLE deployments (
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    impulse INTEGER NOT NULL,
    impulse_name TEXT NOT NULL,
    format TEXT NOT NULL,
    engine TEXT NOT NULL,
    model_type TEXT NOT NULL,
    filename TEXT NOT NULL,
    blob TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    info TEXT NOT NULL,
    created TEXT NOT NULL,
    PRIMARY KEY (project, version)
);
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    category TEXT NOT NULL,
    spec TEXT NOT NULL,
    state TEXT NOT NULL,
    success INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    created TEXT NOT NULL,
    started TEXT,
    finished TEXT,
    seconds REAL
);
CREATE INDEX jobs_by_state ON jobs (project, state, id)
"""

PACKS = """
ALTER TABLE samples ADD COLUMN pack TEXT;
ALTER TABLE samples ADD COLUMN start INTEGER NOT NULL DEFAULT 0;
ALTER TABLE samples ADD COLUMN size INTEGER NOT NULL DEFAULT -1;
CREATE INDEX samples_by_pack ON samples (pack) WHERE pack IS NOT NULL
"""

# The hash of the settings that the features of a block depend on had another key in the summary.
SETTINGS_HASH = """
UPDATE features
SET summary = json_remove(
    json_set(summary, '$.settingsHash', json_extract(summary, '$.recipe')), '$.recipe')
WHERE json_type(summary, '$.recipe') IS NOT NULL
"""

# The channels of a WAV file had an axis each, which no block could use; now its one axis is their mean.
ONE_AUDIO_AXIS = """
ALTER TABLE samples ADD COLUMN signature_valid INTEGER NOT NULL DEFAULT 1;
UPDATE samples SET sensors = '[["audio", "wav"]]' WHERE format = 'wav' AND json_array_length(sensors) > 1
"""

MIGRATIONS: tuple[str, ...] = (FIRST, PACKS, SETTINGS_HASH, ONE_AUDIO_AXIS)
