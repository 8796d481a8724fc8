"""Compares what identities did with their entries and with what they did before. Pure.

``timeline`` joins callers with identities, ``declared`` has the findings that need no training, ``baseline`` those that
compare a day with the days before, ``explained`` finds the change that explains new behaviour, ``judge`` runs them.
"""
