"""A scan split over machines: each reads its share of the scopes into a file, and one joins the files again."""
