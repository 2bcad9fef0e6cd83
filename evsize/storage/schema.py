"""Write ``result.schema.json`` anew: ``python -m evsize.storage.schema``."""

from __future__ import annotations

import json

from evsize.storage import SCHEMA_FILE, report_schema

if __name__ == "__main__":
    SCHEMA_FILE.write_text(json.dumps(report_schema(), indent=2) + "\n", encoding="utf-8")
