"""Tests know the providers that the installed connectors bring, as every command does."""

from connectors.catalog import installed_providers
from scanner.catalog import providers_from

providers_from(installed_providers)
