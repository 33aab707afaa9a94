"""What it costs to watch a loop."""
