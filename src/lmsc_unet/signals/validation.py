"""Validates metadata with sigmf's own validator."""

import json
import warnings
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from lmsc_unet.errors import DataError


def validate(whole: Mapping[str, Any], source: Path) -> None:
    """Checks that sigmf's validator accepts a recording's metadata.

    Raises:
        DataError: it does not.
    """
    try:
        complaint = _complaint_of(json.dumps(whole))
    except RecursionError as error:
        complaint = f"the metadata is not valid SigMF ({error!r})"
    if complaint is not None:
        raise DataError(f"{source}: {complaint}; fix it, then write annotations.")


@lru_cache(maxsize=8)  # metadata is validated before the search and again afterwards
def _complaint_of(text: str) -> str | None:
    """The validator's complaint about metadata; None if it passes."""
    import jsonschema  # type: ignore[import-untyped]
    from sigmf.validate import validate as validate_by_sigmf

    whole = json.loads(text)
    try:
        error = jsonschema.exceptions.best_match(_schema().iter_errors(whole))
        if error is not None:
            raise error
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # undeclared namespaces of the source are kept
            validate_by_sigmf(whole, {})  # the rest; with its schema it would also repeat the schema check
    except (AttributeError, KeyError, TypeError, RecursionError) as error:  # a crash of the validator
        return f"the metadata is not valid SigMF ({error!r})"
    except jsonschema.exceptions.ValidationError as error:
        where = "/".join(str(part) for part in error.absolute_path) or "the metadata"
        return f"{where} is not valid SigMF ({error.message})"
    return None


@cache
def _schema() -> Any:
    """SigMF's schema."""
    from jsonschema.validators import validator_for  # type: ignore[import-untyped]
    from sigmf.schema import get_schema

    schema = get_schema()
    return validator_for(schema)(schema)
