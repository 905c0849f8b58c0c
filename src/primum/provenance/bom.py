"""The bill of materials: base models, adapters, data and packages of a scale as one CycloneDX 1.6 document.

Made with ``cyclonedx-python-lib``; what that library has no class for (model cards, the content of data) is put into
its JSON afterwards, and the whole is checked against the strict schema that comes with it. It holds no time, and its
serial number is derived from its content: the same results have the same bytes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from primum.files import dumps, read_json, sha256_file
from primum.provenance.model_card import adapter_card, base_card, rates
from primum.provenance.names import BOM
from primum.provenance.pins import packages
from primum.reports.sources import CORPUS_RECORD, ReportConfig, StudyFiles, StudyReport
from primum.stages import BASE_STAGE
from primum.strict import Identifier

if TYPE_CHECKING:
    from cyclonedx.model.component import Component

WEIGHTS = ".safetensors"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, f"primum/{BOM}")


class BomConfig(ReportConfig):
    """``--config`` of ``write_bom.py``."""

    records: dict[Identifier, str]  # study -> record of its dataset or corpus, relative to the folder of all results


def build_bom(config: BomConfig, results: Path, environments: Iterable[Path]) -> dict[str, Any]:
    """The document, as JSON values.

    Args:
        config: the studies.
        results: ``results/{scale}``.
        environments: environment files whose pins are listed.

    Raises:
        UserError: if a record is missing.
        RuntimeError: if the document does not follow the schema; it is a defect of this program.
    """
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6

    parts = _Parts()
    for study in config.data:
        parts.add_data(study.study, results, results.parent / config.records[study.study])
    for study in config.studies:
        parts.add_models(StudyFiles(results, study))
    parts.add_packages(environments)
    run = Component(
        name=f"primum-{config.scale}",
        type=ComponentType.APPLICATION,
        bom_ref=f"primum/{config.scale}",
        description="Medical post-training, rebuilt from its inputs: research software, not for use on patients.",
    )
    bom = Bom(components=parts.components.values())
    bom.metadata.component = run
    for name, component in parts.components.items():
        bom.register_dependency(component, [parts.components[needed] for needed in parts.needs[name]])
    bom.register_dependency(run, parts.components.values())
    return _finished(json.loads(JsonV1Dot6(bom).output_as_string()), parts.extras)


def _finished(document: dict[str, Any], extras: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """With what the library has no class for; without what no two runs agree on."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    for component in document["components"]:
        component |= extras.get(component["bom-ref"], {})
    del document["metadata"]["timestamp"], document["serialNumber"]
    document["serialNumber"] = uuid.uuid5(NAMESPACE, dumps(document)).urn
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(dumps(document)):
        raise RuntimeError(f"{BOM} does not follow CycloneDX 1.6: {error.data.message}")
    return document


class _Parts:
    """Components by reference, what each needs, and what is said of each beyond the library's classes."""

    def __init__(self) -> None:
        self.components: dict[str, Component] = {}
        self.needs: dict[str, list[str]] = {}
        self.extras: dict[str, dict[str, Any]] = {}

    def _add(self, ref: str, kind: str, needs: Iterable[str] = (), **values: Any) -> Component:
        from cyclonedx.model.component import Component, ComponentType

        found = Component(type=ComponentType(kind), bom_ref=ref, **values)
        self.components[ref], self.needs[ref] = found, list(dict.fromkeys(needs))
        return found

    def add_data(self, study: str, results: Path, source: Path) -> None:
        """The dataset or corpus of a study, and its splits."""
        record, cut = read_json(source), read_json(results / study / "data" / "splits.json")
        name = cut["source"]["dataset"]
        if source.name == CORPUS_RECORD:
            licence = _corpus_licence(source)
            told = {"reader": "corpus", "source": f"teacher {record['teacher']['name']}: {record['teacher']['model']}"}
        else:
            licence = record["licence"]
            told = {key: record[key] for key in ("reader", "source", "revision", "sha256", "note") if key in record}
        whole = f"data/{name}"
        shared = {"licenses": _licences(licence), "version": record.get("revision", "-").strip("-") or None}
        shared |= {"hashes": _sha256(record["rows_sha256"]), "properties": _properties(told)}
        self._add(whole, "data", name=name, **shared)
        self.extras[whole] = {"data": [{"type": "dataset", "name": name}]}
        for split, entry in sorted(cut["splits"].items()):
            ref = split_ref(study, split)
            self._add(
                ref,
                "data",
                [whole],
                name=f"{study}-{split}",
                hashes=_sha256(entry["sha256"]),
                licenses=_licences(licence),
                properties=_properties({"rows": entry["rows"]}),
            )
            self.extras[ref] = {"data": [{"type": "dataset", "name": f"split '{split}' of study '{study}'"}]}

    def add_models(self, files: StudyFiles) -> None:
        """The base of a study and every adapter trained on it."""
        base, results = read_json(files.base()), read_json(files.evaluation)
        base_ref = f"base/{base['id']}"
        told = {key: base[key] for key in ("reader", "source", "revision")} | {"listing_sha256": base["sha256"]}
        self._add(base_ref, "machine-learning-model", **_model(base_ref, base["id"], base, base["files"], told))
        card = self.extras.setdefault(base_ref, {"modelCard": base_card(files, base)})["modelCard"]
        card["quantitativeAnalysis"]["performanceMetrics"] += rates(results, BASE_STAGE, 0)  # each study's of it
        for stage, seed in files.study.runs():
            if stage != BASE_STAGE:
                self._add_adapter(files, base, results, stage, seed)

    def _add_adapter(self, files: StudyFiles, base: Any, results: Any, stage: str, seed: int) -> None:
        from cyclonedx.model.component import Pedigree

        study, record = files.study, read_json(files.checkpoint(stage, seed))
        ref, base_ref, parent = adapter_ref(study, stage, seed), f"base/{base['id']}", record["parent"]
        above = adapter_ref(study, parent["stage"], seed) if parent else base_ref
        trained_on = split_ref(study.study, record["data"]["split"])
        told = {key: record[key] for key in ("config_sha256", "code_sha256", "environment_sha256")}
        told |= {"environment": study.backend, "method": record["method"], "seed": seed}
        identity = {"revision": "-", "sha256": sha256_file(files.checkpoint(stage, seed)), "licence": base["licence"]}
        values = _model(ref, f"{study.study}-{stage}-seed{seed}", identity, record["adapter"], told)
        ancestors = [_ancestor(self.components[name]) for name in dict.fromkeys((above, base_ref))]
        notes = f"A LoRA adapter on {base['id']}" + (f", continued from stage {parent['stage']}." if parent else ".")
        self._add(
            ref,
            "machine-learning-model",
            [above, base_ref, trained_on],
            pedigree=Pedigree(ancestors=ancestors, notes=notes),
            **values,
        )
        data = [trained_on, *(split_ref(study.study, split) for split in study.splits)]
        self.extras[ref] = {"modelCard": adapter_card(files, base, record, results, list(dict.fromkeys(data)))}

    def add_packages(self, environments: Iterable[Path]) -> None:
        """Every pinned package."""
        from packageurl import PackageURL

        for (name, version), names in packages(environments).items():
            purl = PackageURL("pypi", name=name.lower().replace("_", "-"), version=version)
            told = _properties({"environments": " ".join(names)})
            self._add(purl.to_string(), "library", name=name, version=version, purl=purl, properties=told)


def split_ref(study: str, split: str) -> str:
    """Reference of a split."""
    return f"data/{study}/{split}"


def adapter_ref(study: StudyReport, stage: str, seed: int) -> str:
    """Reference of a trained stage."""
    return f"adapter/{study.study}/{study.backend}/{stage}/seed{seed}"


def _model(
    ref: str, name: str, entry: Mapping[str, Any], hashes: Mapping[str, str], told: Mapping[str, Any]
) -> dict[str, Any]:
    """What bases and adapters have in common: the hash of the weights, and every file as a part."""
    from cyclonedx.model.component import Component, ComponentType

    weights = [digest for file, digest in sorted(hashes.items()) if file.endswith(WEIGHTS)]
    return {
        "name": name,
        "version": entry["revision"].strip("-") or entry["sha256"],
        "licenses": _licences(entry["licence"]),
        "hashes": _sha256(weights[0]) if len(weights) == 1 else [],
        "properties": _properties(told),
        "components": [
            Component(name=file, type=ComponentType.FILE, bom_ref=f"{ref}/{file}", hashes=_sha256(digest))
            for file, digest in sorted(hashes.items())
        ],
    }


def _ancestor(component: Component) -> Component:
    """A component as another's pedigree names it."""
    from cyclonedx.model.component import Component

    return Component(name=component.name, type=component.type, version=component.version, hashes=list(component.hashes))


def _sha256(digest: str) -> list[Any]:
    from cyclonedx.model import HashAlgorithm, HashType

    return [HashType(alg=HashAlgorithm.SHA_256, content=digest)]


def _licences(text: str) -> list[Any]:
    """An SPDX identifier as such, any other name as a name."""
    from cyclonedx.contrib.license.factories import LicenseFactory

    return [LicenseFactory().make_from_string(text)]


def _properties(values: Mapping[str, Any]) -> list[Any]:
    from cyclonedx.model import Property

    return [Property(name=f"primum:{key}", value=str(value)) for key, value in sorted(values.items())]


def _corpus_licence(record: Path) -> str:
    licence = read_json(record.with_name("croissant.json"))["license"]
    return licence.rsplit("/", 1)[-1].removesuffix(".html")
