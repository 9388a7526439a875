"""What the product's lists are compared with, one method a file."""
