"""The commands for a shop's rules: boosts, promotions and exclusions."""
