"""From images of any size and depth to masks, with a network that is only a callable."""
