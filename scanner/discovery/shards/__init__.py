"""A scan split over machines into files, and joined again."""
