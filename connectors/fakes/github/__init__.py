"""An organization of GitHub's, served over HTTP as REST and GraphQL."""
