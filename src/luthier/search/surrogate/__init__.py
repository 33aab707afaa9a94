"""What a search believes about curves that it has not seen: a Gaussian process, and its use."""
