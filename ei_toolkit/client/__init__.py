"""The Edge Impulse client. It speaks to a URL with a key: the cloud and the local studio are the same to it."""
