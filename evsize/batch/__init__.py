"""Many recordings: a table of them, processes or a cluster, resuming, pooling over replicates."""

from evsize.batch.entry import Entry
from evsize.batch.manifest import ManifestError, read_manifest
from evsize.batch.run import Plan, Shard, check, run
from evsize.batch.scan import scan, write_template
from evsize.batch.tables import write_tables

__all__ = [
    "Entry",
    "ManifestError",
    "Plan",
    "Shard",
    "check",
    "read_manifest",
    "run",
    "scan",
    "write_tables",
    "write_template",
]
