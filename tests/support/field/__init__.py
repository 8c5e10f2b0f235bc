"""Credentials of the field as recipes: what each kind looks like by its description, and where people write it."""
