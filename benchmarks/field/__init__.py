"""What people met in the field: each case tried on the product, with what was seen beside what is expected."""
