"""The admission service over real TLS, called as a cluster calls it."""
