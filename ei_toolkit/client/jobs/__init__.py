"""Jobs: started or attached to, watched until they end, told about as they go."""
