"""The Edge Impulse client: requests to a URL with a key, which is the cloud or the local studio."""
