"""Keras networks. Importing this alone imports no Keras: its backend is chosen first."""
