"""Remote management: the WebSocket between the studio and the devices that record samples for it."""
