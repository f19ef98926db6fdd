"""One algorithm a file; all end in a Solution."""
