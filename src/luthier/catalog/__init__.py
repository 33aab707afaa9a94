"""What networks are made of and trained with, as neutral data and pure functions.

An algorithm is one file with one entry in its folder's ``ALL``; it knows no framework. Import
what you need from the modules; this package imports none of them, so that reading a recipe does
not cost the import of numpy.
"""
