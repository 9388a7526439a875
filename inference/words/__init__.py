"""Words to vector, and what stands for the words of a picture that has none."""
