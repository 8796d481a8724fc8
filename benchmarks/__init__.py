"""What Muster costs, measured against a stated baseline in the same run: ``python -m benchmarks [NAME]…``."""

from connectors.catalog import installed_providers
from scanner.catalog import providers_from

providers_from(installed_providers)
