"""Where records of a run lie, below ``results/{scale}``; those on request are not published, and in no manifest."""

BOM = "mlbom.json"
PROVENANCE, ADAPTER_CARD = "provenance.json", "adapter/README.md"  # in a trained stage's folder
REGISTRY = ("registry.json", "registry.csv")
# On request.
CRATE = "ro-crate-metadata.json"  # the name is the standard's
COST_TABLE, COST_REPORT = "cost.csv", "cost.md"
SIGNATURE = "signature.sig"  # beside checkpoint.json
