"""What is true: field, expressions, tables, buses, bounds and the statement (standard library only)."""
