"""From images of any size and depth to masks; a network is any callable."""
