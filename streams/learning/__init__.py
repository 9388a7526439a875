"""What users do after a list, to a ranker that makes better ones."""
