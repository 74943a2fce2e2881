"""What is presented in the place of a credential: asked for with it, from a token server or a vendor's own chain."""
