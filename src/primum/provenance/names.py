"""Where records of a run lie, below ``results/{scale}``; only the first is published and in the manifest."""

BOM = "mlbom.json"
CRATE = "ro-crate-metadata.json"  # the name is the standard's
COST_TABLE, COST_REPORT = "cost.csv", "cost.md"
SIGNATURE = "signature.sig"  # beside checkpoint.json
