"""Bulk listing of all projects below an organisation, folder or project, by Cloud Asset Inventory."""
