"""Configuration that is checked before it counts: models that forbid what they do not know, and errors of one line."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from primum.errors import UserError

# Every identifier that becomes a path or a wildcard: no slash, dot or space can reach one.
IDENTIFIER = r"[a-z][a-z0-9._-]*"
Identifier = Annotated[str, StringConstraints(pattern=f"^{IDENTIFIER}$")]
Share = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    """Extra keys forbidden, values frozen, no silent conversion of text to numbers or flags."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def explain(error: ValidationError, where: str) -> UserError:
    """The first problem of a pydantic error as one line that names the key."""
    problem = error.errors()[0]
    loc = problem["loc"]
    tagged = len(loc) > 2 and loc[0] == "stages"  # pydantic puts the stage's method behind its name
    key = ".".join(str(part) for place, part in enumerate(loc) if not (tagged and place == 2))
    message = re.sub(r"^Value error, ", "", problem["msg"])
    if problem["type"] == "extra_forbidden":
        return UserError(
            f"{where}: unknown key '{key}'.", "Remove it or mend its spelling; config/README.md lists the keys."
        )
    if problem["type"] == "union_tag_not_found":
        return UserError(
            f"{where}: '{key}' has no 'method'.", "Mend the stage's name, or give its method (sft or grpo)."
        )
    if problem["type"] == "missing":
        return UserError(f"{where}: key '{key}' is missing.", "Add it; config/README.md lists the keys.")
    if problem["type"] == "string_pattern_mismatch":
        return UserError(
            f"{where}: '{problem['input']}' cannot be a name{f' ({key})' if key else ''}.",
            "Use a lower-case letter, then letters, digits, '.', '-' and '_'.",
        )
    if isinstance(problem["input"], str) and re.fullmatch(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+", problem["input"]):
        return UserError(
            f"{where}: '{key}' is text ({problem['input']!r}), not a number.", "Write it for YAML: 2.0e-4."
        )
    given = "" if problem["type"] == "value_error" else f" (got {problem['input']!r})"
    return UserError(
        f"{where}: {f'{key!r}: ' if key else ''}{message}{given}.",
        "Mend the value; config/README.md tells what each key takes.",
    )


def parse(model: type[Strict], data: Any, where: str) -> Any:
    """Validate ``data``; a :class:`UserError` names ``where`` and the key."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise explain(error, where) from None
