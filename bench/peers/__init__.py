"""What twoapi is compared with."""
