"""How the published types are read out of the packages that carry them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from tests.connectors.azure.published import azure_sdk, kiota
from tests.connectors.azure.published.shapes import EXTRACTS, HERE

GRAPH = {
    "entity": """
class Entity(AdditionalDataHolder, BackedModel, Parsable):
            "id": lambda n : setattr(self, 'id', n.get_str_value()),
            "@odata.type": lambda n : setattr(self, 'odata_type', n.get_str_value()),
""",
    "thing": """
if TYPE_CHECKING:
    from .colour import Colour
    from .entity import Entity
    from .other import Other
    from .part import Part

from .entity import Entity

class Thing(Entity, Parsable):
            "colours": lambda n : setattr(self, 'colours', n.get_collection_of_enum_values(Colour)),
            "key": lambda n : setattr(self, 'key', n.get_uuid_value()),
            "keys": lambda n : setattr(self, 'keys', n.get_collection_of_primitive_values(UUID)),
            "next": lambda n : setattr(self, 'next', n.get_object_value(Thing)),
            "others": lambda n : setattr(self, 'others', n.get_collection_of_object_values(Other)),
            "part": lambda n : setattr(self, 'part', n.get_object_value(Part)),
""",
    "other": """
from .thing import Thing

class Other(Thing, Parsable):
""",
    "part": """
class Part(AdditionalDataHolder, BackedModel, Parsable):
            "when": lambda n : setattr(self, 'when', n.get_datetime_value()),
""",
    "colour": """
class Colour(str, Enum):
    Red = "red",
    UnknownFutureValue = "unknownFutureValue",
""",
}
DECLARATIONS = """
export interface Empty extends Entity {}
export interface Thing extends Entity {
    // a comment
    key?: string;
    keys?: NullableOption<string[]>;
}
"""
NEW_STYLE = '''
class Base(_Model):
    id: Optional[str] = rest_field(visibility=["read"])


class Item(Base):
    """An item."""

    kind: Union[str, "_models.Kind"] = rest_field()
    at: Optional[datetime.datetime] = rest_field(name="atTime", format="unix-timestamp")
    parts: Optional[list["_models.Part"]] = rest_field()
    tags: Optional[dict[str, str]] = rest_field()
    print: Optional[bytes] = rest_field(format="base64url")
    mode: Optional[str] = rest_field(visibility=["create", "update"])
    plain: int = 3


class Part(_Model):
    size: Optional[int] = rest_field()
'''
OLD_STYLE = '''
class Item(Model):
    """An item.

    :vartype kind: str or ~azure.mgmt.x.models.Kind
    """

    _validation = {"id": {"readonly": True}, "place": {"required": True}, "kind": {"required": True}}

    _attribute_map = {
        "id": {"key": "id", "type": "str"},
        "place": {"key": "place", "type": "str"},
        "kind": {"key": "properties.kind", "type": "str"},
        "at": {"key": "properties.times.at", "type": "iso-8601"},
        "parts": {"key": "properties.parts", "type": "[Part]"},
        "tags": {"key": "tags", "type": "{str}"},
        "dotted": {"key": "odata\\\\.type", "type": "str"},
    }


class Part(Model):
    _attribute_map = {"size": {"key": "size", "type": "int"}}
'''
KIND = '''
class Kind(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """Kinds."""

    ONE = "One"
'''


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    for name, text in GRAPH.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def test_graph_types_are_read_with_what_they_are_made_of(graph: Path) -> None:
    """What leads to an entity is navigation, and its type is not followed; other parts are."""
    found = kiota.types(graph, ["thing"], shallow=[], nulls=kiota.never_null(DECLARATIONS), prefix="p.")

    assert found == {
        "p.entity": {"kind": "entity", "properties": {"id": "string?"}},
        "p.thing": {
            "kind": "entity",
            "base": "p.entity",
            "properties": {"colours": "p.colour[]?", "key": "guid", "keys": "guid[]?", "part": "p.part?"},
            "navigation": {"next": "p.thing", "others": "p.other[]"},
        },
        "p.part": {"kind": "complex", "properties": {"when": "dateTime?"}},
        "p.colour": {"kind": "enum", "members": ["red", "unknownFutureValue"]},
    }


def test_what_a_shallow_type_is_made_of_is_left_out(graph: Path) -> None:
    """Users and groups have hundreds of parts that nothing here reads."""
    found = kiota.types(graph, [], shallow=["thing"], nulls={}, prefix="")

    assert set(found) == {"entity", "thing"}
    assert found["thing"]["properties"]["part"] == "any?"
    assert found["thing"]["properties"]["colours"] == "any[]?"


def test_a_module_without_a_class_is_an_error(tmp_path: Path) -> None:
    """A package that changed its layout must not give an extract that is half empty."""
    (tmp_path / "thing.py").write_text("")

    with pytest.raises(ValueError, match="holds no class"):
        kiota.types(tmp_path, ["thing"], shallow=[], nulls={}, prefix="")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {"_models.py": NEW_STYLE, "_enums.py": KIND, "_patch.py": "class Item: pass"},
            {
                "x.Item": {
                    "kind": "complex",
                    "properties": {
                        "id": "string?",
                        "kind": "x.Kind",
                        "atTime": "epoch?",
                        "parts": "x.Part[]?",
                        "tags": "string{}?",
                        "print": "base64url?",
                    },
                    "required": ["kind"],
                },
            },
            id="fields",
        ),
        pytest.param(
            {"_models_py3.py": OLD_STYLE, "_a_client_enums.py": KIND},
            {
                "x.Item": {
                    "kind": "complex",
                    "properties": {
                        "id": "string?",
                        "place": "string",
                        "properties": "x.ItemProperties?",
                        "tags": "string{}?",
                        "odata.type": "string?",
                    },
                    "required": ["place"],
                },
                "x.ItemProperties": {
                    "kind": "complex",
                    "properties": {"kind": "x.Kind", "times": "x.ItemPropertiesTimes?", "parts": "x.Part[]?"},
                    "required": ["kind"],
                },
                "x.ItemPropertiesTimes": {"kind": "complex", "properties": {"at": "dateTime?"}},
            },
            id="a table",
        ),
    ],
)
def test_azure_types_are_read_as_they_are_on_the_wire(
    tmp_path: Path, files: Mapping[str, str], expected: Mapping[str, object]
) -> None:
    """Nested as answers are, and without what answers never hold."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    assert azure_sdk.types(tmp_path, ["Item"], prefix="x.") == {
        **expected,
        "x.Part": {"kind": "complex", "properties": {"size": "integer?"}},
        "x.Kind": {"kind": "enum", "members": ["One"]},
    }


@pytest.mark.parametrize("name", EXTRACTS)
def test_an_extract_is_as_the_script_writes_it(name: str) -> None:
    """One type a line, in order, so that no one mends it by hand unseen."""
    text = (HERE / name).read_text()
    types = msgspec.json.decode(text)

    lines = [msgspec.json.encode({key: types[key]}, order="sorted").decode()[1:-1] for key in sorted(types)]
    assert text == "{\n" + ",\n".join(lines) + "\n}\n"
