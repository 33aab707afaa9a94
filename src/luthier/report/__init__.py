"""Reports: records to text and to the one JSON. Pure: what they say is given to them."""
