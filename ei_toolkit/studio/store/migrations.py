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

# Statements are split at ";\n", so the statements of a trigger are in one line.
_KEY = "project, category, label, label_type, labels, disabled, signature_valid, interval_ms, sensors"
_LENGTH_NS = "CAST(round({row}.length_ms * 1000000) AS INTEGER)"
_LABELS = (
    "CASE WHEN {row}.structured_labels IS NULL THEN '' ELSE (SELECT json_group_array(label) FROM"
    " (SELECT DISTINCT json_extract(value, '$.label') AS label FROM json_each({row}.structured_labels) ORDER BY 1)) END"
)
_KEY_VALUES = ", ".join(_LABELS if name == "labels" else f"{{row}}.{name}" for name in _KEY.split(", "))
_COUNT_UP = (
    f"INSERT INTO sample_totals ({_KEY}, count, length_ns) VALUES ({_KEY_VALUES}, 1, {_LENGTH_NS})"
    " ON CONFLICT DO UPDATE SET count = count + 1, length_ns = length_ns + excluded.length_ns;"
)
_COUNT_DOWN = (
    f"UPDATE sample_totals SET count = count - 1, length_ns = length_ns - {_LENGTH_NS}"
    f" WHERE ({_KEY}) = ({_KEY_VALUES}); DELETE FROM sample_totals WHERE ({_KEY}) = ({_KEY_VALUES}) AND count = 0;"
)
_OWN = "(SELECT value FROM sample_metadata WHERE sample = {row}.id)"
_COUNT_VALUES_UP = (
    "INSERT INTO metadata_counts (value, category, count) SELECT value, {row}.category, 1 FROM sample_metadata"
    " WHERE sample = {row}.id ON CONFLICT DO UPDATE SET count = count + 1;"
)
_COUNT_VALUES_DOWN = (
    f"UPDATE metadata_counts SET count = count - 1 WHERE value IN {_OWN} AND category = {{row}}.category;"
    f" DELETE FROM metadata_counts WHERE value IN {_OWN} AND category = {{row}}.category AND count = 0;"
)
_MOVE_VALUES = f"{_COUNT_VALUES_DOWN.format(row='OLD')} {_COUNT_VALUES_UP.format(row='NEW')}"
_ADD_METADATA = (
    "INSERT OR IGNORE INTO metadata_values (project, key, value)"
    " SELECT {row}.project, key, coalesce(value, '') FROM json_each({row}.metadata);"
    " INSERT INTO sample_metadata (sample, value) SELECT {row}.id, found.id FROM json_each({row}.metadata) AS own"
    " CROSS JOIN metadata_values AS found"
    " ON (found.project, found.key, found.value) = ({row}.project, own.key, coalesce(own.value, ''));"
    f" {_COUNT_VALUES_UP}"
)
_REMOVE_METADATA = (
    f"{_COUNT_VALUES_DOWN} DELETE FROM metadata_values WHERE id IN {_OWN}"
    " AND NOT EXISTS (SELECT 1 FROM metadata_counts WHERE metadata_counts.value = metadata_values.id);"
    " DELETE FROM sample_metadata WHERE sample = {row}.id;"
)
_ADD_NAME = "INSERT INTO sample_names (rowid, filename) VALUES ({row}.id, {row}.filename);"
_REMOVE_NAME = "INSERT INTO sample_names (sample_names, rowid, filename) VALUES ('delete', {row}.id, {row}.filename);"


def _trigger(name: str, event: str, *actions: str) -> str:
    return f"CREATE TRIGGER {name} AFTER {event} ON samples BEGIN {' '.join(actions)} END"


def _triggers(name: str, add: str, remove: str, columns: str) -> str:
    """Return triggers that run `add` for a new row of samples, `remove` for an old one, both for changed columns."""
    new, old = add.format(row="NEW"), remove.format(row="OLD")
    return ";\n".join(
        (
            _trigger(f"{name}_of_new", "INSERT", new),
            _trigger(f"{name}_of_deleted", "DELETE", old),
            _trigger(f"{name}_of_changed", f"UPDATE OF {columns}", old, new),
        )
    )


# What a list of samples, its filters and the summaries of a project need is kept beside the samples, by triggers:
# `sample_totals` counts them by every property that has few values, `metadata_values` are the values of their metadata,
# `metadata_counts` how often each occurs in a category, `sample_metadata` where, `sample_names` finds parts of file
# names of three and more characters. The index `samples_by_id` is a narrow copy of the table for the other filters.
# `length_ns` is whole: sums of real numbers would drift with each change.
GROWTH = f"""
CREATE TABLE sample_totals (
    project INTEGER NOT NULL,
    category TEXT NOT NULL,
    label TEXT NOT NULL,
    label_type TEXT NOT NULL,
    labels TEXT NOT NULL,
    disabled INTEGER NOT NULL,
    signature_valid INTEGER NOT NULL,
    interval_ms REAL NOT NULL,
    sensors TEXT NOT NULL,
    count INTEGER NOT NULL,
    length_ns INTEGER NOT NULL,
    PRIMARY KEY ({_KEY})
) WITHOUT ROWID;
CREATE TABLE metadata_values (
    id INTEGER PRIMARY KEY,
    project INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (project, key, value)
);
CREATE TABLE metadata_counts (
    value INTEGER NOT NULL,
    category TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (value, category)
) WITHOUT ROWID;
CREATE TABLE sample_metadata (
    sample INTEGER NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (sample, value)
) WITHOUT ROWID;
CREATE INDEX samples_by_metadata ON sample_metadata (value, sample);
CREATE VIRTUAL TABLE sample_names USING fts5 (
    filename, content = 'samples', content_rowid = 'id', tokenize = 'trigram', detail = 'none');
INSERT INTO sample_totals ({_KEY}, count, length_ns)
    SELECT {_KEY_VALUES.format(row="samples")}, COUNT(*), SUM({_LENGTH_NS.format(row="samples")})
    FROM samples GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;
INSERT INTO metadata_values (project, key, value)
    SELECT DISTINCT project, own.key, coalesce(own.value, '') FROM samples, json_each(metadata) AS own;
INSERT INTO sample_metadata (sample, value)
    SELECT samples.id, found.id FROM samples, json_each(metadata) AS own CROSS JOIN metadata_values AS found
    ON (found.project, found.key, found.value) = (samples.project, own.key, coalesce(own.value, ''));
INSERT INTO metadata_counts (value, category, count)
    SELECT value, category, COUNT(*) FROM sample_metadata JOIN samples ON id = sample GROUP BY 1, 2;
INSERT INTO sample_names (sample_names) VALUES ('rebuild');
{_triggers("totals", _COUNT_UP, _COUNT_DOWN, f"{_KEY.replace('labels', 'structured_labels')}, length_ms")};
{_triggers("metadata", _ADD_METADATA, _REMOVE_METADATA, "metadata")};
{_trigger("metadata_of_moved", "UPDATE OF category", _MOVE_VALUES)};
{_triggers("names", _ADD_NAME, _REMOVE_NAME, "filename")};
DROP INDEX samples_by_label;
DROP INDEX samples_by_blob;
DROP INDEX samples_by_pack;
CREATE INDEX samples_by_blob ON samples (sha256) WHERE pack IS NULL;
CREATE INDEX samples_by_pack ON samples (pack, start, size) WHERE pack IS NOT NULL;
CREATE INDEX samples_by_id ON samples (project, id, category, label, label_type, disabled, signature_valid, interval_ms,
    length_ms, created, filename);
CREATE INDEX samples_by_filename ON samples (project, filename, id DESC, category, label);
CREATE INDEX samples_by_label_asc ON samples (project, label, id DESC, category);
CREATE INDEX samples_by_label_desc ON samples (project, label, id, category);
CREATE INDEX samples_by_length_asc ON samples (project, length_ms, id DESC, category);
CREATE INDEX samples_by_length_desc ON samples (project, length_ms, id, category)
"""

# A cropped sample, or one cut from a longer one, has its own content; `originals` is what was uploaded. The view
# `recordings` has every recording that is needed; what it does not have is erased.
CROPS = """
ALTER TABLE samples ADD COLUMN is_cropped INTEGER NOT NULL DEFAULT 0;
CREATE TABLE originals (
    sample INTEGER PRIMARY KEY REFERENCES samples (id) ON DELETE CASCADE,
    first_value INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    pack TEXT,
    start INTEGER NOT NULL,
    size INTEGER NOT NULL,
    format TEXT NOT NULL,
    suffix TEXT NOT NULL,
    values_count INTEGER NOT NULL
);
CREATE INDEX originals_by_content ON originals (sha256);
CREATE INDEX originals_by_pack ON originals (pack) WHERE pack IS NOT NULL;
CREATE VIEW recordings AS
    SELECT sha256, pack, start, size FROM samples UNION ALL SELECT sha256, pack, start, size FROM originals
"""

# Boards and other devices that record samples; `sensors` is JSON. `device_id` is the identity that a device states.
DEVICES = """
CREATE TABLE devices (
    id INTEGER PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    device_id TEXT NOT NULL,
    name TEXT NOT NULL,
    device_type TEXT NOT NULL,
    sensors TEXT NOT NULL DEFAULT '[]',
    supports_snapshots INTEGER NOT NULL DEFAULT 0,
    created TEXT NOT NULL,
    last_seen TEXT NOT NULL,
    UNIQUE (project, device_id)
)
"""

# Saved states of projects. `blob` is the state, `files` are the digests of the blobs that it refers to, and
# `version_recordings` the recordings of its samples, which are kept when the samples are deleted.
VERSIONS = """
CREATE TABLE versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    description TEXT NOT NULL,
    blob TEXT NOT NULL,
    files TEXT NOT NULL,
    samples INTEGER NOT NULL,
    training_accuracy REAL,
    test_accuracy REAL,
    created TEXT NOT NULL,
    UNIQUE (project, version)
);
CREATE TABLE version_recordings (
    version INTEGER NOT NULL REFERENCES versions (id) ON DELETE CASCADE,
    sha256 TEXT NOT NULL,
    pack TEXT,
    start INTEGER NOT NULL,
    size INTEGER NOT NULL
);
CREATE INDEX version_recordings_by_version ON version_recordings (version);
CREATE INDEX version_recordings_by_pack ON version_recordings (pack, start, size) WHERE pack IS NOT NULL;
CREATE INDEX version_recordings_by_blob ON version_recordings (sha256) WHERE pack IS NULL;
DROP VIEW recordings;
CREATE VIEW recordings AS
    SELECT sha256, pack, start, size FROM samples UNION ALL SELECT sha256, pack, start, size FROM originals
    UNION ALL SELECT sha256, pack, start, size FROM version_recordings
"""

MIGRATIONS: tuple[str, ...] = (FIRST, PACKS, SETTINGS_HASH, ONE_AUDIO_AXIS, GROWTH, CROPS, DEVICES, VERSIONS)
