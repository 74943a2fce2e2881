"""Vendors' services besides generation, as fakes written from the vendors' references: strict, and easy to predict.

They share nothing with the codecs. A text always has the same vector and the same relevance, whoever is asked.
"""
