"""What engines share that train several epochs in one call of a program."""
