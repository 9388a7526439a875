"""How well pictures of the same thing are found, by the network and by each classic descriptor."""
