"""Keras models: published cases, published examples, and what watching costs."""
