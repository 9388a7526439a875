"""`sightline demo`: the whole recommender at work, and a page that shows it."""
