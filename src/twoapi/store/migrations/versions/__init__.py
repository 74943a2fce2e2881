"""One module per migration, forward only in practice."""
