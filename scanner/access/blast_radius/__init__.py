"""The blast radius: of one identity with its evidence, of all in numbers, in words, and as entries declare it. Pure."""
