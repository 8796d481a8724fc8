"""A GitHub organization, served over HTTP as REST and GraphQL."""
