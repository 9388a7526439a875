"""Items: what is known of them, their pictures, and what apps say of them."""
