"""What the connector for Google Cloud is."""

from __future__ import annotations

from connectors.base import Spec
from connectors.gcp.sections import KINDS, SECTIONS
from connectors.gcp.settings import GcpSettings

SPEC = Spec(
    name="gcp",
    title="Google Cloud",
    settings=GcpSettings,
    kinds=KINDS,
    sections=SECTIONS,
    extra="gcp",
)
