"""Contact sheets: items as one picture, in a file or in the terminal."""
