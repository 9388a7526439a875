"""Made-up pictures, shoppers and events."""
