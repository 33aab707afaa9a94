"""Keras networks: what an epoch takes in `model.fit`, and in luthier's engines."""
