"""The same records by each project's own APIs, where Cloud Asset Inventory may not be used."""
