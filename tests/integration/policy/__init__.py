"""The policy, shown at the origin."""
