"""One question about one parameter, answered as a round."""
