"""How Pydantic 2 reads and writes the types that have a text form."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_core import CoreSchema


def text_schema(cls: Callable[[str], object]) -> CoreSchema:
    """Return the schema of a class that reads its text form: an instance or text in Python, text in JSON.

    Bytes are refused, since nobody could say whether they are text or the binary form.
    """
    from pydantic_core import core_schema  # late: only who uses Pydantic has it

    from_text = core_schema.no_info_after_validator_function(cls, core_schema.str_schema(strict=True))

    def read(value: object, from_text: Callable[[object], object]) -> object:
        return value if type(value) is cls else from_text(value)

    return core_schema.json_or_python_schema(
        json_schema=from_text,
        python_schema=core_schema.lax_or_strict_schema(
            # Not a union, which would report two errors for one fault.
            lax_schema=core_schema.no_info_wrap_validator_function(read, from_text),
            strict_schema=core_schema.is_instance_schema(cls),
        ),
        serialization=core_schema.to_string_ser_schema(when_used="json"),
    )
