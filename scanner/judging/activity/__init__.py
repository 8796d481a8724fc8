"""What identities did, against what their entries declare and what they did before. Pure.

``timeline`` joins callers with identities, ``declared`` has the findings that need no training, ``baseline`` those that
compare a day with the days before, ``explained`` says which change explains new behaviour, ``judge`` runs them.
"""
