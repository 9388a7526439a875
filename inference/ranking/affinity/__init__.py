"""What users like by the attributes and the prices of what they chose."""
